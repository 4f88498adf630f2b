import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { ContentProblem } from '../content/check.ts'
import { Problem, reasonOf } from './problem.ts'

interface SourceFile {
  readonly name: string
  readonly text: string
  readonly document: Document
  readonly lines: LineCounter
}

/** Content as it was written down, with the way back to where each thing stands. */
export interface WrittenContent {
  readonly value: Readonly<Record<string, unknown>>
  /** What is wrong, as people can find it: `file:line:column: field: reason`. */
  describe(problem: ContentProblem): string
}

const IS_CONTENT = /\.(?:ya?ml|json)$/i

/**
 * Reads a file of YAML or JSON, or all of a folder as one.
 * @throws {Problem} what cannot be read or parsed, or is there twice
 */
export function readContentFiles(path: string): WrittenContent {
  const files = namesIn(path).map(parse)
  const value: Record<string, Record<string, unknown>> = {}
  const origin = new Map<string, SourceFile>()
  for (const file of files) {
    const sections: unknown = file.document.toJS()
    if (sections === null) continue
    if (!isRecord(sections))
      throw new Problem(`${file.name}:1:1: expected sections such as variables, and found ${JSON.stringify(sections)}`)
    for (const [section, things] of Object.entries(sections)) {
      origin.set(section, origin.get(section) ?? file)
      // Its shape is looked at when all files are together.
      if (!isRecord(things)) value[section] = things as Record<string, unknown>
      else {
        for (const name of Object.keys(things)) {
          const key = JSON.stringify([section, name])
          const other = origin.get(key)
          if (other !== undefined)
            throw new Problem(
              `${placeOf(file, { path: [section, name], reason: '' })}: ${section}.${name} is in ${other.name} too`,
            )
          origin.set(key, file)
        }
        value[section] = { ...value[section], ...things }
      }
    }
  }
  return {
    value,
    describe(problem) {
      const { path } = problem
      const file = origin.get(JSON.stringify(path.slice(0, 2))) ?? origin.get(String(path[0])) ?? files[0]
      const place = file === undefined ? '' : `${placeOf(file, problem)}: `
      return `${place}${fieldOf(path)}: ${problem.reason}`
    },
  }
}

/** Tells all that is wrong at once, so that a file is mended in one go. */
export function brokenContent(written: WrittenContent, problems: readonly ContentProblem[]): Problem {
  return new Problem(`nothing was changed. ${problems.map((problem) => written.describe(problem)).join('; ')}`)
}

function namesIn(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => IS_CONTENT.test(name))
    if (names.length > 0) return names.sort().map((name) => join(path, name))
  } catch (error) {
    throw new Problem(`cannot read ${path}: ${reasonOf(error)}. Name a file of YAML or JSON, or a folder of them.`)
  }
  throw new Problem(`there is no file of YAML or JSON in ${path}.`)
}

function parse(name: string): SourceFile {
  let text: string
  try {
    text = readFileSync(name, 'utf8')
  } catch (error) {
    throw new Problem(`cannot read ${name}: ${reasonOf(error)}.`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new Problem(`${name}:${line}:${col}: ${error.message}`)
  }
  return { name, text, document, lines }
}

/** `file:line:column` of the deepest part of a path that is there. */
function placeOf({ name, text, document, lines }: SourceFile, { path, position }: ContentProblem): string {
  let node: Node | null = document.contents
  let start = node?.range?.[0] ?? 0
  for (const step of path) {
    const inner = childOf(node, step)
    if (inner === null) break
    start = inner.start
    node = inner.value
  }
  const isWhole = position !== undefined && isScalar(node) && typeof node.value === 'string'
  const { line, col } = isWhole ? within(node as never, position, text, lines) : lines.linePos(start)
  return `${name}:${line}:${col}`
}

function childOf(node: Node | null, step: string | number): { start: number; value: Node | null } | null {
  if (isSeq(node)) {
    const value = node.items[Number(step)] as Node | undefined
    return value === undefined ? null : { start: value.range?.[0] ?? 0, value }
  }
  if (!isMap<Node, Node | null>(node)) return null
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  return pair === undefined ? null : { start: (pair.key.range ?? [0])[0], value: pair.value }
}

interface Text {
  readonly range?: readonly number[] | null
  readonly type?: string
  readonly value: string
}

/** Where in the file a place of an expression is; where the text was folded, the line it begins on. */
function within(
  node: Text,
  at: NonNullable<ContentProblem['position']>,
  text: string,
  lines: LineCounter,
): { line: number; col: number } {
  const start = node.range?.[0] ?? 0
  const begin = lines.linePos(start)
  if (node.type === 'BLOCK_LITERAL') {
    const line = begin.line + at.line
    const written = text.split('\n')[line - 1] ?? ''
    const meant = node.value.split('\n')[at.line - 1] ?? ''
    return {
      line,
      col: written.length - written.trimStart().length - (meant.length - meant.trimStart().length) + at.column,
    }
  }
  const shift = node.type === 'PLAIN' ? 0 : 1
  const isVerbatim = text.startsWith(node.value, start + shift)
  return isVerbatim ? lines.linePos(start + shift + at.offset) : begin
}

function fieldOf(path: ContentProblem['path']): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
  return text.replace(/^\./, '') || 'the whole file'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
