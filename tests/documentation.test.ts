import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { ROOT } from './imports.ts'

/** Everything people read, by its path from the root. */
const pages = ['', 'docs', 'packages']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: folder !== '', encoding: 'utf8' }).map((name) =>
      posix.join(folder, name),
    ),
  )
  .filter((path) => path.endsWith('.md') && !/node_modules|CHANGELOG/.test(path))

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }

/** Words after `npm` or `pnpm` that are theirs and not a script of ours. */
const OWN_COMMANDS = new Set(['install', 'add', 'exec', 'create', 'publish'])

/** `npm start`, `npm run x`, `pnpm x`, `pnpm -s x`; `pnpm --filter` names a package of the workspace. */
function scriptsNamedIn(page: string): string[] {
  return [...read(page).matchAll(/(?<=[`\n] *)p?npm (?:-s |run )?([a-z][\w:-]*)/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => !OWN_COMMANDS.has(name))
}

/** The TypeScript a page shows, as files that stand in `tests`. */
function snippetsOf(page: string): ReadonlyMap<string, string> {
  const blocks = [...read(page).matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => `${code}\nexport {}\n`)
  return new Map(blocks.map((code, index) => [join(ROOT, 'tests', `${page.replace(/\W/g, '-')}-${index}.ts`), code]))
}

/** What the compiler has to say of files that are not on the disk, under the settings of this repository. */
function complaintsAbout(files: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(join(ROOT, 'tests/tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, join(ROOT, 'tests'))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, ...rest) => {
    const code = files.get(path)
    return code === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, code, rest[0])
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '),
    )
  })
}

describe('documentation', () => {
  test('names only commands that exist', () => {
    const unknown = pages.flatMap((page) =>
      scriptsNamedIn(page)
        .filter((name) => !(name in scripts))
        .map((name) => `${page}: ${name}`),
    )
    expect(unknown).toEqual([])
  })

  test('links only to files that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map(([, link]) => link ?? '')
        .filter((link) => !existsSync(join(ROOT, dirname(page), link)))
        .map((link) => `${page}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  test('the TypeScript it shows compiles', () => {
    const files = new Map(pages.flatMap((page) => [...snippetsOf(page)]))
    expect(files.size).toBeGreaterThan(0)
    expect(complaintsAbout(files)).toEqual([])
  })

  test('the read-me shows the two commands that need nothing but npm', () => {
    expect(scriptsNamedIn('README.md')).toEqual(expect.arrayContaining(['start', 'test']))
  })
})
