import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** Which files and packages each source file loads when it runs; `import type` loads nothing. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

/** The sources of our packages, without their tests, by their path from the root. */
export function importGraph(): ImportGraph {
  const graph = new Map<string, readonly string[]>()
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const sources = posix.join('packages', name, 'src')
    for (const path of readdirSync(join(ROOT, sources), { recursive: true, encoding: 'utf8' })) {
      if (!/\.tsx?$/.test(path) || /\.test\.tsx?$/.test(path)) continue
      const file = posix.join(sources, path)
      graph.set(file, loadedBy(file))
    }
  }
  return graph
}

/** Everything `file` loads, itself and others together, each with the way that leads to it. */
export function reachedFrom(file: string, graph: ImportGraph): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>()
  const waiting: (readonly string[])[] = [[file]]
  for (let way = waiting.shift(); way !== undefined; way = waiting.shift()) {
    for (const target of graph.get(way.at(-1) ?? '') ?? []) {
      if (ways.has(target)) continue
      ways.set(target, [...way, target])
      waiting.push([...way, target])
    }
  }
  return ways
}

/** The files that the entries and commands of our packages load; what is left is loaded by tests alone. */
export function publishedFiles(graph: ImportGraph): readonly string[] {
  const roots = readdirSync(join(ROOT, 'packages')).flatMap((name) => {
    const { exports, bin = {} } = manifestOf(name)
    const built = Object.values(exports)
      .filter((entry) => typeof entry === 'object')
      .map(builtFile)
    return [...built, ...Object.values(bin)].map((file) => sourceOf(name, file))
  })
  return [...new Set(roots.flatMap((root) => [root, ...reachedFrom(root, graph).keys()]))].filter((file) =>
    graph.has(file),
  )
}

function loadedBy(file: string): readonly string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest)
  const targets: string[] = []
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) && !isTypeImport(node)) || (ts.isExportDeclaration(node) && !node.isTypeOnly)) {
      if (node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) targets.push(node.moduleSpecifier.text)
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments
      if (target && ts.isStringLiteral(target)) targets.push(target.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return targets.map((target) => resolve(file, target))
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

/** A relative import is a file; so is an entry of one of our packages; anything else stays a name. */
function resolve(file: string, target: string): string {
  if (target.startsWith('.')) return posix.join(dirname(file), target)
  const [, name, entry] = /^@damson\/(\w+)(\/.*)?$/.exec(target) ?? []
  return name === undefined ? target : entrySource(name, `.${entry ?? ''}`)
}

function entrySource(name: string, entry: string): string {
  const target = manifestOf(name).exports[entry]
  if (typeof target !== 'object')
    throw new Error(`@damson/${name} publishes no entry "${entry}": add it to the exports in its package.json`)
  return sourceOf(name, builtFile(target))
}

/** An entry for ES modules and CommonJS alike, or one for ES modules alone. */
type Entry = { readonly import: { readonly default: string } } | { readonly default: string }

function builtFile(entry: Entry): string {
  return 'import' in entry ? entry.import.default : entry.default
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | Entry>>
  readonly bin?: Readonly<Record<string, string>>
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')) as Manifest
}

/** The source of a built file: tsup keeps the path below `src`. */
function sourceOf(name: string, built: string): string {
  return posix.join('packages', name, built.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts'))
}
