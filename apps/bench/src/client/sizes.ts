import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

export interface Size {
  /** What `npm install` puts on the disk, dependencies included. */
  readonly installBytes: number
  readonly packages: number
  /** What a bundler makes of the client, minified and compressed. */
  readonly bundleGzipBytes: number
}

const HERE = dirname(fileURLToPath(import.meta.url))

export async function sizeOf(name: string, imported: string): Promise<Size> {
  const packages = new Map<string, number>()
  install(name, HERE, packages)
  const stdin = { contents: `export { ${imported} } from '${name}'`, resolveDir: HERE }
  const result = await build({
    stdin,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    logLevel: 'silent',
    // The packages as they are published: what stands in dist, and not our sources.
    tsconfigRaw: '{}',
  })
  return {
    installBytes: [...packages.values()].reduce((sum, bytes) => sum + bytes, 0),
    packages: packages.size,
    bundleGzipBytes: gzipSync(result.outputFiles[0]!.contents, { level: 9 }).length,
  }
}

/** Adds a package and, once each, what it depends on. */
function install(name: string, from: string, into: Map<string, number>): void {
  const folder = folderOf(name, from)
  if (folder === null || into.has(folder)) return
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    files?: readonly string[]
    dependencies?: Readonly<Record<string, string>>
  }
  // A package of this checkout holds more than it publishes.
  const isOurs = !folder.includes('node_modules')
  const parts = isOurs ? ['package.json', 'README.md', '../../LICENSE', ...(manifest.files ?? [])] : ['.']
  into.set(
    folder,
    parts.reduce((sum, part) => sum + bytesIn(join(folder, part)), 0),
  )
  for (const dependency of Object.keys(manifest.dependencies ?? {})) install(dependency, folder, into)
}

function folderOf(name: string, from: string): string | null {
  for (const base of createRequire(join(from, 'x.js')).resolve.paths(name) ?? []) {
    if (existsSync(join(base, name, 'package.json'))) return realpathSync(join(base, name))
  }
  return null
}

function bytesIn(path: string): number {
  if (!existsSync(path)) return 0
  const stat = lstatSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path)
    .filter((each) => each !== 'node_modules')
    .reduce((sum, each) => sum + bytesIn(join(path, each)), 0)
}
