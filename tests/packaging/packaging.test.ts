import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, describe, expect, test } from 'vitest'
import { type Entry, installOutside, packAll, run, tool } from './tarballs.ts'

const tarballs = packAll()
const entries = tarballs.flatMap((tarball) => tarball.entries)
const dual = entries.filter(({ isDual }) => isDual)
const files = tarballs.map((tarball) => tarball.file)

/** These stand on what is whoever installs us's own to choose. */
const needsPeers = (entry: string) => entry.endsWith('/conformance') || entry.endsWith('/terminus')
const PEERS = ['fast-check@4', 'vitest@4', '@nestjs/terminus@12']

const outside = installOutside(files)
const outsideWithPeers = installOutside([...files, ...PEERS, '@types/node@20', '@types/react@19'])

afterAll(() => {
  for (const folder of [outside, outsideWithPeers, dirname(files[0] ?? outside)]) {
    rmSync(folder, { recursive: true, force: true })
  }
})

const home = (entry: string) => (needsPeers(entry) ? outsideWithPeers : outside)

/** A file that imports every one of these entries. */
function importing(imported: readonly Entry[]): string {
  const lines = imported.map(({ name }, index) => `import * as entry${index} from '${name}'`)
  const uses = imported.map((_, index) => `entry${index}`)
  return [...lines, `export const entries = [${uses.join(', ')}]`].join('\n')
}

/** The names an entry exports, as a fresh Node sees them. */
function namesOf(entry: string, how: 'import' | 'require'): readonly string[] {
  const load = how === 'import' ? `await import('${entry}')` : `require('${entry}')`
  const code = `console.log(JSON.stringify(Object.keys(${load}).sort()))`
  const type = how === 'import' ? 'module' : 'commonjs'
  return JSON.parse(run(process.execPath, [`--input-type=${type}`, '--eval', code], home(entry))) as string[]
}

describe.each(tarballs)('$manifest.name', ({ file, manifest, files: packed, entries: own }) => {
  test('publint finds nothing to say', () => {
    expect(run(tool('publint'), ['run', file, '--strict'], outside)).toContain('All good!')
  })

  test('its types resolve the way its code does', () => {
    const modulesOnly = own.filter(({ isDual }) => !isDual).map(({ path }) => path)
    const options = [
      '--profile',
      'node16',
      '--no-emoji',
      '--format=ascii',
      ...modulesOnly.flatMap((path) => ['--exclude-entrypoints', path]),
    ]
    expect(run(tool('attw'), [file, ...options], outside)).toContain('node16 (from CJS): OK (CJS)')
  })

  test('carries what was built, its licence and its read-me, and no test', () => {
    expect(packed.filter((path) => /\.test\.|^src\//.test(path))).toEqual([])
    expect(packed.filter((path) => !/^(dist\/.*|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path))).toEqual(
      [],
    )
    expect(packed).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
  })

  test('names versions a registry understands', () => {
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|catalog:/)
  })
})

describe('an outside project', () => {
  test.each(entries)('$name has the same names as ES module and in its source', async ({ name }) => {
    const source: object = await import(name)
    expect(namesOf(name, 'import')).toEqual(Object.keys(source).toSorted())
  })

  test.each(dual)('$name has the same names as CommonJS', ({ name }) => {
    expect(namesOf(name, 'require').filter((exported) => exported !== '__esModule')).toEqual(namesOf(name, 'import'))
  })

  test.each(['node16', 'nodenext'])('every entry type-checks under "module": "%s"', (kind) => {
    writeFileSync(join(outsideWithPeers, 'all.mts'), importing(entries))
    // NestJS 12 is made of ES modules, which CommonJS as 'node16' knows it cannot name.
    const nameable = dual.filter(({ name }) => kind !== 'node16' || !name.startsWith('@damson/nestjs'))
    writeFileSync(join(outsideWithPeers, 'all.cts'), importing(nameable))
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', kind, '--types', 'node']
    const said = run(tool('tsc'), [...options, '--skipLibCheck', 'false', 'all.mts', 'all.cts'], outsideWithPeers)
    expect(said).toBe('')
  })

  test.each([
    ['module', "import { sqliteStore } from '@damson/server/sqlite'"],
    ['commonjs', "const { sqliteStore } = require('@damson/server/sqlite')"],
  ])('the embedded store starts its thread from what is installed (%s)', (type, load) => {
    const file = JSON.stringify(join(outside, `${type}.db`))
    const use = `sqliteStore({ file: ${file} }).then(async (store) => (console.log(await store.apps()), store.close()))`
    expect(run(process.execPath, [`--input-type=${type}`, '--eval', `${load}\n${use}`], outside)).toBe('[]\n')
  })

  test.each(tarballs.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {})))(
    '%s --help says how it is used',
    (bin) => {
      expect(run(join(outside, 'node_modules', '.bin', bin), ['--help'], outside)).toContain(`Usage: ${bin}`)
    },
  )
})

describe('@damson/core', () => {
  const core = tarballs.find(({ manifest }) => manifest.name === '@damson/core')

  test('has no dependencies', () => {
    expect(core?.manifest.dependencies ?? {}).toEqual({})
  })

  test.each(['@damson/core', '@damson/core/session', '@damson/core/protocol'])(
    '%s bundles for a platform that is not Node',
    async (entry) => {
      const { metafile } = await build({
        stdin: { contents: `export * from '${entry}'`, resolveDir: outside },
        platform: 'neutral',
        bundle: true,
        write: false,
        metafile: true,
        logLevel: 'silent',
      })
      expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([])
    },
  )
})
