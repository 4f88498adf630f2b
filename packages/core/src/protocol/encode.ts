import { DONE } from './outcome.ts'
import type { Outcome } from './outcome.ts'

/** One element of an answer: what became of the action, and the `reqId` it is found by. */
export interface ResponseElement {
  readonly outcome: Outcome
  /** Written with the JSON type it came with; `undefined` if the action had none. */
  readonly reqId: unknown
}

const HEAD = '{"response":['
const TAIL = ']}'
const PLAIN = '{"success":true}'

/**
 * Writes an answer down (specification 2.1). The order of fields is fixed: `success`, the action's results, `isOffline`,
 * `ignored`, `warning`, `error`, `reqId`.
 */
export function encodeElements(elements: readonly ResponseElement[]): string {
  if (elements.length > 1 && elements.every(isPlain))
    return HEAD + `${PLAIN},`.repeat(elements.length - 1) + PLAIN + TAIL
  let text = HEAD
  for (let index = 0; index < elements.length; index++) {
    text += (index === 0 ? '' : ',') + encodeElement(elements[index]!)
  }
  return text + TAIL
}

function isPlain({ outcome, reqId }: ResponseElement): boolean {
  return outcome === DONE && reqId === undefined
}

function encodeElement(element: ResponseElement): string {
  if (isPlain(element)) return PLAIN
  const { outcome, reqId } = element
  let text = outcome.success ? '{"success":true' : '{"success":false'
  if (outcome.fields !== undefined) text += encodeMembers(outcome.fields, ',')
  if (outcome.isOffline) text += ',"isOffline":true'
  if (outcome.ignored) text += ',"ignored":true'
  if (outcome.warning !== undefined)
    text += `,"warning":{"message":${JSON.stringify(outcome.warning)}${outcome.ignored ? ',"ignored":true' : ''}}`
  if (outcome.error !== undefined) text += `,"error":{"message":${JSON.stringify(outcome.error)}}`
  if (reqId !== undefined) text += `,"reqId":${encodeJson(reqId)}`
  return text + '}'
}

/**
 * As `JSON.stringify`, but a BigInt becomes a bare integer: ids of events and states have 64 bits and must not lose any
 * on the way (specification 1.5). Takes plain data only.
 */
export function encodeJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const known = texts.get(value)
  if (known !== undefined) return known
  if (!Array.isArray(value)) return `{${encodeMembers(value as Readonly<Record<string, unknown>>, '')}}`
  let text = '['
  for (let index = 0; index < value.length; index++) text += (index === 0 ? '' : ',') + encodeJson(value[index])
  return text + ']'
}

/** What `prepareJson` has written down before. */
const texts = new WeakMap<object, string>()

/** Writes a value down once, for all answers it will be part of. Nobody may change it from then on. */
export function prepareJson<T extends object>(value: T): T {
  texts.set(value, encodeJson(value))
  return value
}

/** The members of an object, each with its separator before it; `first` stands before the first one. */
function encodeMembers(object: Readonly<Record<string, unknown>>, first: '' | ','): string {
  let text = ''
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (value === undefined) continue
    text += `${text === '' ? first : ','}${JSON.stringify(name)}:${encodeJson(value)}`
  }
  return text
}
