import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../imports.ts'

export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Something a user can import. */
export interface Entry {
  /** In full: `@damson/core/protocol`. */
  readonly name: string
  /** As the manifest has it: `./protocol`. */
  readonly path: string
  /** There is a CommonJS build beside the ES module. */
  readonly isDual: boolean
}

/** One package as it would be published. */
export interface Tarball {
  readonly file: string
  readonly manifest: Manifest
  /** Paths inside the package. */
  readonly files: readonly string[]
  readonly entries: readonly Entry[]
}

/** Runs a program to its end and gives its standard output. Throws with all it said when it fails. */
export function run(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: userEnv() })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}

/** The environment without what pnpm and npm put into it for their own scripts: the outside project has its own. */
function userEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name)))
}

/** A tool of this repository's root. */
export const tool = (name: string): string => join(ROOT, 'node_modules', '.bin', name)

/** Packs every package that is published, with pnpm: it is pnpm that replaces `workspace:` and `catalog:`. */
export function packAll(): readonly Tarball[] {
  const folder = mkdtempSync(join(tmpdir(), 'damson-tarballs-'))
  return readdirSync(join(ROOT, 'packages')).flatMap((name) => {
    const source = join(ROOT, 'packages', name)
    const before = readdirSync(folder)
    if ((JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest).private) return []
    run('pnpm', ['pack', '--pack-destination', folder], source)
    const file = readdirSync(folder).find((found) => !before.includes(found))
    if (file === undefined) throw new Error(`pnpm pack made no tarball of packages/${name}`)
    return [readTarball(join(folder, file))]
  })
}

function readTarball(file: string): Tarball {
  const files = run('tar', ['-tzf', file], ROOT)
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))
  const manifest = JSON.parse(run('tar', ['-xzOf', file, 'package/package.json'], ROOT)) as Manifest
  const entries = Object.entries(manifest.exports).flatMap(([path, target]) => {
    const isDual = typeof target === 'object' && target !== null && 'require' in target
    return path === './package.json' ? [] : [{ name: manifest.name + path.slice(1), path, isDual }]
  })
  return { file, manifest, files, entries }
}

/** An empty project outside the repository with these packages installed by npm, as a user would. */
export function installOutside(packages: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'damson-outside-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], folder)
  return folder
}
