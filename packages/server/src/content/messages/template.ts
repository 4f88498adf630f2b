import { toWellFormed } from '@damson/core/protocol'
import { Context, Liquid, LiquidError, type Template } from 'liquidjs'
import type { Position } from '../audience/problem.ts'
import { collectIn, registerLinkTag } from './links.ts'
import { greetingOf } from './greeting.ts'
import { markLinks } from './mark-links.ts'

/** What a place in a message does to the values that are put there. */
export const ESCAPES = {
  none: undefined,
  html: 'escape',
  /** HTML whose links are tracked. */
  mail: 'escape',
  /** Between quotes of a JSON text. */
  json: (value: unknown) => JSON.stringify(textOf(value)).slice(1, -1),
  /** In the path, query or fragment of a URL. */
  url: (value: unknown) => encodeURIComponent(toWellFormed(textOf(value))),
  /** In a header: one line. */
  line: (value: unknown) => textOf(value).replaceAll(/[\r\n\0]+/g, ' '),
} as const
export type Escape = keyof typeof ESCAPES

/** What templates see. `value` and `parameter` are of the call and of the trigger. */
export interface TemplateValues {
  readonly value: Readonly<Record<string, unknown>>
  readonly userAttribute: Readonly<Record<string, unknown>>
  readonly parameter: Readonly<Record<string, unknown>>
  readonly place: Readonly<Record<string, unknown>>
  readonly userId: string
  readonly deviceId: string | null
  /** The event or state that set it off; '' for others. */
  readonly trigger: string
  /** ISO 8601. */
  readonly now: string
  /** Of mails. */
  readonly unsubscribeUrl: string
}

/** A text with places in it. */
export interface Text {
  /** No value is put in: the same for everybody. */
  readonly isConstant: boolean
  /**
   * @param links where the links of a mail are put that are tracked, in their order; its text has their places
   * @throws {TemplateError} it took too long or became too large
   */
  render(values: TemplateValues, links?: string[]): string
}

/** What is wrong with a template; where it is known, in a place counted in the text. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly position: Position | null

  constructor(reason: string, position: Position | null = null) {
    super(reason)
    this.position = position
  }
}

/** Longest text of a template, and of what it becomes: characters. */
export const TEMPLATE_CHARACTERS_MAX = 100_000
export const RENDERED_CHARACTERS_MAX = 1_000_000
/** What loops and filters may allocate, in liquidjs' own measure, and how long they may run: milliseconds. */
const MEMORY_MAX = 1_000_000
const RENDER_MS_MAX = 100

const engines = new Map<Escape, Liquid>()

/**
 * Reads a text with `{{ … }}` and `{% … %}`: Liquid, and two older spellings of `value['name']`.
 * @throws {TemplateError} it is none
 */
export function compileText(source: string, escape: Escape): Text {
  if (source.length > TEMPLATE_CHARACTERS_MAX)
    throw new TemplateError(`expected at most ${TEMPLATE_CHARACTERS_MAX} characters, and found ${source.length}`)
  const isConstant = !source.includes('{{') && !source.includes('{%')
  if (isConstant && escape !== 'mail') return { isConstant, render: () => source }
  const engine = engineFor(escape)
  let parsed: Template[]
  try {
    parsed = engine.parse(inLiquid(source))
    if (escape === 'mail') parsed = engine.parse(markLinks(inLiquid(source), engine))
  } catch (error) {
    throw problemOf(error, source)
  }
  const render = (values: object, links: string[] = [], renderLimit = RENDER_MS_MAX) => {
    const context = new Context(values, engine.options, { sync: true, renderLimit }, { liquid: engine })
    collectIn(context, links)
    return filled(engine, parsed, context, source)
  }
  if (!isConstant) {
    const asText = ESCAPES[escape] ?? textOf
    const greeting = typeof asText === 'function' ? greetingOf(source, asText) : null
    return { isConstant, render: (values, links) => within(greeting?.(values)) ?? render(values, links) }
  }
  // The same for everybody but for the list that its links are put in.
  const found: string[] = []
  const text = render({}, found, Infinity)
  return {
    isConstant: false,
    render: (_values, links) => {
      links?.push(...found)
      return text
    },
  }
}

function filled(engine: Liquid, parsed: Template[], context: Context, source: string): string {
  try {
    return within(String(engine.renderSync(parsed, context)))
  } catch (error) {
    throw error instanceof TemplateError ? error : problemOf(error, source)
  }
}

/** @throws {TemplateError} the text became too large */
function within<T extends string | null | undefined>(text: T): T {
  if (typeof text === 'string' && text.length > RENDERED_CHARACTERS_MAX)
    throw new TemplateError(`expected to become at most ${RENDERED_CHARACTERS_MAX} characters`)
  return text
}

/**
 * `{{Value "name"}}` and `{{"name"}}`, which the hosted service had besides Liquid's `{{ value['name'] }}`.
 * @source documented: specification 8.12
 */
function inLiquid(source: string): string {
  return source.replaceAll(
    /\{\{(-?)\s*(?:Value\s+)?("[^"]*"|'[^']*')\s*(?=\||-?\}\})/g,
    (_, dash: string, name: string) => `{{${dash} value[${name}] `,
  )
}

function engineFor(escape: Escape): Liquid {
  const known = engines.get(escape)
  if (known !== undefined) return known
  const outputEscape = ESCAPES[escape]
  const engine = new Liquid({
    ...(outputEscape !== undefined && { outputEscape }),
    // What is not a value's own cannot be reached: no prototypes, no methods.
    ownPropertyOnly: true,
    strictFilters: true,
    // No files: nothing is included.
    templates: {},
    // With the marks of its links.
    parseLimit: 8 * TEMPLATE_CHARACTERS_MAX,
    memoryLimit: MEMORY_MAX,
    renderLimit: RENDER_MS_MAX,
    // The same on every node, wherever it stands.
    timezoneOffset: 0,
    locale: 'en-US',
  })
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag]
  if (escape === 'mail') registerLinkTag(engine)
  // A turn may be decided twice, and must come out the same.
  delete engine.filters['sample']
  for (const name of Object.keys(engine.filters).filter((one) => one.startsWith('date'))) useOwnClock(engine, name)
  engines.set(escape, engine)
  return engine
}

/** `now` and `today` are the instant of the decision, not that of the machine. */
function useOwnClock(engine: Liquid, name: string): void {
  const filter = engine.filters[name]
  if (typeof filter !== 'function') throw new Error(`Expected the filter '${name}' of liquidjs to be a function.`)
  engine.registerFilter(name, function (value: unknown, ...args: unknown[]) {
    const at = value === 'now' || value === 'today' ? this.context.getSync(['now']) : value
    return (filter as (this: unknown, ...all: unknown[]) => unknown).call(this, at, ...args)
  })
}

function problemOf(error: unknown, source: string): TemplateError {
  if (!LiquidError.is(error)) throw error
  const [line = 1, column = 1] = error.token.getPosition()
  const reason = error.message.replace(/, line:\d+, col:\d+$/, '')
  const before = source.split('\n').slice(0, line - 1)
  const offset = before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1
  return new TemplateError(`expected a template that can be read: ${reason}`, { line, column, offset })
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
