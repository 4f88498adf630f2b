import { ExpressionError, type Matches } from './audience/index.ts'
import { compile, matchesEveryone } from './audience/compile.ts'
import { parseExpression } from './audience/parse.ts'
import type { Position } from './audience/problem.ts'
import { isoInstant } from './audience/literals.ts'
import type { CampaignSource } from './campaigns.ts'
import type { Targeted } from './leaves.ts'
import { checkMessage, checkMessageContent } from './messages/check.ts'
import { flattened, isWithin } from './names.ts'
import { scheduleProblem } from './schedule.ts'
import type { ContentSource, Json, TestSource } from './source.ts'
import { valueProblem } from './value.ts'

/** Something wrong with content: where, by names and places in lists, and why. */
export interface ContentProblem {
  readonly path: readonly (string | number)[]
  readonly reason: string
  /** Within the text at `path`, if that is an expression. */
  readonly position?: Position
}

type Path = ContentProblem['path']

/**
 * What is wrong with content that has the right shape: expressions that cannot be read, names that lead nowhere, circles
 * of audiences, values of another type, tests that cannot run. `known` are variables that only the app's code has.
 */
export function checkContent(content: ContentSource, known: readonly string[]): readonly ContentProblem[] {
  const problems: ContentProblem[] = []
  const {
    audiences = {},
    variables = {},
    tests = {},
    bookmarks = {},
    messages = {},
    categories = {},
    campaigns = {},
  } = content
  const targets = new Targets(audiences, problems)
  for (const name of Object.keys(audiences)) targets.check(audiences[name]!, ['audiences', name])
  targets.checkCircles()
  for (const [name, bookmark] of Object.entries(bookmarks)) targets.checkTarget(bookmark, ['bookmarks', name])

  for (const [name, { type, value, values = [] }] of Object.entries(variables)) {
    const path = ['variables', name]
    const note = (one: Json, at: Path) => {
      const reason = valueProblem(type, one)
      if (reason !== null) problems.push({ path: at, reason })
    }
    if (value !== undefined) note(value, [...path, 'value'])
    for (const [index, one] of values.entries()) {
      note(one.value, [...path, 'values', index, 'value'])
      targets.checkTarget(one, [...path, 'values', index])
    }
  }

  for (const [id, message] of Object.entries(messages)) {
    const path = ['messages', id]
    targets.checkTarget(message, path)
    checkMessage(message, path, Object.keys(categories), (problem) => problems.push(problem))
  }

  for (const [id, campaign] of Object.entries(campaigns)) {
    const path = ['campaigns', id]
    targets.checkTarget(campaign, path)
    problems.push(...campaignProblems(campaign, messages, path))
  }

  const isKnown = (name: string): boolean =>
    [...Object.keys(variables), ...known].some((one) => isWithin(name, one) || isWithin(one, name))
  const owners = new Map<string, string>()
  for (const [id, test] of Object.entries(tests)) {
    const path = ['tests', id]
    targets.checkTarget(test, path)
    problems.push(...problemsOf(test, path))
    for (const variant of Object.keys(test.variants)) {
      const owner = owners.get(variant)
      if (owner !== undefined)
        problems.push({
          path: [...path, 'variants', variant],
          reason: `expected an id of its own, but test ${owner} has this variant too`,
        })
      owners.set(variant, id)
    }
    for (const [variant, { variables: values = {}, messages: changed = {} }] of Object.entries(test.variants)) {
      for (const [message, part] of Object.entries(changed)) {
        const at = [...path, 'variants', variant, 'messages', message]
        const whole = messages[message]
        if (whole === undefined)
          problems.push({ path: at, reason: `expected a message of this content, but nobody knows ${message}` })
        else checkMessageContent(whole.channel, { ...whole.content, ...part }, at, (problem) => problems.push(problem))
      }
      for (const [name, value] of flattened(values)) {
        const at = [...path, 'variants', variant, 'variables', name]
        const declared = variables[name]
        const reason = declared === undefined ? null : valueProblem(declared.type, value)
        if (reason !== null) problems.push({ path: at, reason })
        if (!isKnown(name))
          problems.push({
            path: at,
            reason: `expected a variable of this content or of the app's code, but nobody knows '${name}'`,
          })
      }
    }
  }
  return problems
}

function problemsOf(test: TestSource, path: Path): readonly ContentProblem[] {
  const { variants, testers = {}, chosenVariant, state, start, end } = test
  const problems: ContentProblem[] = []
  const isVariant = (id: number): boolean => Object.hasOwn(variants, String(id))
  const found = `it has ${Object.keys(variants).join(', ') || 'none'}`
  if (!Object.values(variants).some(({ weight = 1 }) => weight > 0))
    problems.push({ path: [...path, 'variants'], reason: 'expected at least one variant with a weight above 0' })
  for (const [user, variant] of Object.entries(testers)) {
    if (!isVariant(variant))
      problems.push({ path: [...path, 'testers', user], reason: `expected a variant of this test, but ${found}` })
  }
  if (chosenVariant !== undefined && !isVariant(chosenVariant))
    problems.push({ path: [...path, 'chosenVariant'], reason: `expected a variant of this test, but ${found}` })
  if (chosenVariant !== undefined && state !== 'finished')
    problems.push({ path: [...path, 'chosenVariant'], reason: `expected the state finished, but the test is ${state}` })
  if (start !== undefined && end !== undefined && (isoInstant(start) ?? 0) >= (isoInstant(end) ?? 0))
    problems.push({ path: [...path, 'end'], reason: 'expected an end after the start' })
  return problems
}

function campaignProblems(
  { messages: ids, schedule }: CampaignSource,
  messages: NonNullable<ContentSource['messages']>,
  path: Path,
): readonly ContentProblem[] {
  const problems: ContentProblem[] = []
  for (const [index, id] of ids.entries()) {
    const at = [...path, 'messages', index]
    const message = Object.hasOwn(messages, String(id)) ? messages[String(id)] : undefined
    if (message === undefined)
      problems.push({ path: at, reason: `expected a message of this content, and found ${id}` })
    else if (message.channel === 'inApp')
      problems.push({ path: at, reason: `expected a message that can be sent, but ${id} is shown by the app` })
    if (ids.indexOf(id) !== index) problems.push({ path: at, reason: `expected each message once, but ${id} is twice` })
  }
  const wrong = schedule === undefined ? null : scheduleProblem(schedule)
  if (wrong !== null) problems.push({ path: [...path, 'schedule', wrong[0]], reason: wrong[1] })
  return problems
}

class Targets {
  readonly #audiences: Readonly<Record<string, string>>
  readonly #problems: ContentProblem[]
  /** Whom each audience names. */
  readonly #named = new Map<string, readonly string[]>()

  constructor(audiences: Readonly<Record<string, string>>, problems: ContentProblem[]) {
    this.#audiences = audiences
    this.#problems = problems
  }

  /** The expression of an audience. */
  check(source: string, path: readonly [string, string]): void {
    this.#named.set(path[1], this.#read(source, path))
  }

  checkTarget({ audience, where }: Targeted, path: Path): void {
    if (where !== undefined) this.#read(where, [...path, 'where'])
    if (audience !== undefined && !Object.hasOwn(this.#audiences, audience))
      this.#problems.push({ path: [...path, 'audience'], reason: this.#unknown(audience) })
  }

  checkCircles(): void {
    for (const name of this.#named.keys()) {
      if (this.#leadsTo(name, name, new Set()))
        this.#problems.push({
          path: ['audiences', name],
          reason: `expected no circle, but '${name}' leads back to itself`,
        })
    }
  }

  #read(source: string, path: Path): readonly string[] {
    const named: string[] = []
    const lookup = (name: string): Matches => {
      named.push(name)
      return matchesEveryone
    }
    try {
      compile(parseExpression(source), lookup)
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      this.#problems.push({ path, reason: error.reason, position: error.position })
    }
    for (const name of named) {
      if (!Object.hasOwn(this.#audiences, name)) this.#problems.push({ path, reason: this.#unknown(name) })
    }
    return named
  }

  #unknown(name: string): string {
    const names = Object.keys(this.#audiences).join(', ')
    return `expected an audience of this content (${names || 'it has none'}), and found '${name}'`
  }

  #leadsTo(from: string, goal: string, seen: Set<string>): boolean {
    for (const next of this.#named.get(from) ?? []) {
      if (next === goal) return true
      if (seen.has(next)) continue
      seen.add(next)
      if (this.#leadsTo(next, goal, seen)) return true
    }
    return false
  }
}
