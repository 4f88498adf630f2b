import { isObject, parseLenient } from './coerce-json.ts'
import { readFields, readForm } from './form.ts'
import type { ArgsRead, OwnArgs } from './form.ts'
import { parseJson, toWellFormed } from './json.ts'
import type { ParsedJson } from './json.ts'
import { failed } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { isAbsent } from './raw-args.ts'
import type { RawArgs } from './raw-args.ts'

/** A request as the transport has it, the body decoded from UTF-8 but not looked into. */
export interface WireRequest {
  readonly method: string
  /** Without its `?`. */
  readonly query: string
  readonly contentType?: string | null | undefined
  /** The body, if it is not multipart. */
  readonly text: string | null
  /** The fields of a multipart body; nothing if it is another one. */
  readonly fields?: Readonly<Record<string, string>> | null | undefined
}

export type DecodedRequest =
  { readonly ok: true; readonly outer: RawArgs } | { readonly ok: false; readonly outcome: Outcome }

/** Takes query and body together (specification 1.3, 1.4); where both have an argument, the body's counts. */
export function decodeRequest(request: WireRequest): DecodedRequest {
  const { method } = request
  if (method !== 'GET' && method !== 'POST' && method !== 'HEAD')
    return { ok: false, outcome: failed('METHOD_NOT_ALLOWED') }
  const query = readForm(request.query)
  if (!query.ok) return query
  const body = readBody(request)
  if (!body.ok) return body
  return { ok: true, outer: merged(body.args, query.args) }
}

function readBody({ text, fields, contentType }: WireRequest): ArgsRead {
  if (fields)
    return readFields(Object.entries(fields).map(([name, value]) => [toWellFormed(name), toWellFormed(value)]))
  if (text === null || text === '') return { ok: true, args: {} }
  const start = firstCharacter(text)
  if (start === text.length) return { ok: true, args: {} }
  if (text[start] === '{' || text[start] === '[') return readJson(start === 0 ? text : text.slice(start))
  if (isJsonType(contentType)) return { ok: false, outcome: failed('INVALID_JSON') }
  return readForm(start === 0 ? text : text.slice(start))
}

const SPACE = 0x20
const BYTE_ORDER_MARK = 0xfeff

/** Where the text begins, after a byte order mark and white space. Its first character decides how it is read (1.4). */
function firstCharacter(text: string): number {
  let index = 0
  while (index < text.length && (text.charCodeAt(index) <= SPACE || text.charCodeAt(index) === BYTE_ORDER_MARK)) index++
  return index
}

function isJsonType(contentType: string | null | undefined): boolean {
  return !!contentType && /^\s*application\/(?:[\w.-]+\+)?json\b/i.test(contentType)
}

/** An object holds the arguments; a list is the `data` of a `multi`. */
function readJson(text: string): ArgsRead {
  const parsed = parseJson(text)
  if (parsed.ok) {
    const { value } = parsed
    return { ok: true, args: Array.isArray(value) ? { action: 'multi', data: value } : (value as OwnArgs) }
  }
  return { ok: false, outcome: jsonProblem(parsed) }
}

function jsonProblem(problem: Extract<ParsedJson, { ok: false }>): Outcome {
  if (problem.problem === 'unsafe') return failed('INVALID_ARGUMENT', { name: problem.key })
  return failed(problem.problem === 'syntax' ? 'INVALID_JSON' : 'REQUEST_TOO_COMPLEX')
}

/** Adds what only the query has. `null` in the body is no value (specification 1.5), so the query's counts then. */
function merged(body: OwnArgs, query: OwnArgs): OwnArgs {
  for (const name of Object.keys(query)) {
    if (!Object.hasOwn(body, name) || body[name] === null) body[name] = query[name]
  }
  return body
}

export type ListedActions =
  | { readonly ok: true; readonly isMulti: boolean; readonly actions: readonly RawArgs[] }
  | { readonly ok: false; readonly outcome: Outcome }

/** An element that is no object: an action without arguments fails at its own index, and the others run. */
const NO_ARGS: RawArgs = Object.freeze({})

/**
 * The actions of a request: itself, or the `data` of a `multi` in any shape that is in use: a list, JSON text of a list,
 * or `{"data": list}` as text, which is what the Android and the iOS SDK send (specification 8.11).
 */
export function listActions(outer: RawArgs): ListedActions {
  if (outer.action !== 'multi') return { ok: true, isMulti: false, actions: [outer] }
  if (isAbsent(outer.data)) return { ok: false, outcome: failed('MISSING_ARGUMENT', { name: 'data' }) }
  let data: unknown = outer.data
  if (typeof data === 'string') {
    const parsed = parseLenient(data)
    if (!parsed.ok) return { ok: false, outcome: parsed.problem === 'syntax' ? invalidData() : jsonProblem(parsed) }
    data = parsed.value
  }
  if (isObject(data)) data = data.data
  if (!Array.isArray(data)) return { ok: false, outcome: invalidData() }
  const actions: unknown[] = data
  if (actions.every(isObject)) return { ok: true, isMulti: true, actions }
  return { ok: true, isMulti: true, actions: actions.map((entry) => (isObject(entry) ? entry : NO_ARGS)) }
}

function invalidData(): Outcome {
  return failed('INVALID_ARGUMENT', { name: 'data' })
}
