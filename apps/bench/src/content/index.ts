import type { ContentSource } from '@damson/server'
import { contentDecider, createTestServer, type TestServer } from '@damson/server/testing'
import { keep, machine, shown, table } from '../report.ts'
import { ratios, shuffled, type Spread, spreadOf } from '../statistics.ts'

export interface ContentBenchOptions {
  readonly rounds: number
  readonly starts: number
  /** Whether the page and the JSON file are written. */
  readonly isKept: boolean
}

const VARIABLES = 200
const TESTS = 20
const AUDIENCES = 20
const MESSAGES = 50
/** Of the messages: those that the server sends. */
const SENT = 10

const names = Array.from({ length: VARIABLES }, (_, index) => `group${index % 10}.variable${index}`)
const defaults = Object.fromEntries(names.map((name, index) => [name, `default ${index}`]))

/** For an audience each; every tenth greets people by what is known of them. The server sends some, on events nobody tracks here. */
const messages: NonNullable<ContentSource['messages']> = Object.fromEntries(
  Array.from({ length: MESSAGES }, (_, index) => {
    const common = { name: `message ${index}`, state: 'active', audience: `a${index % AUDIENCES}` } as const
    const isSent = index < SENT
    const text = index % 10 === 9 ? 'Hello {{ userAttribute.plan }}' : 'Hello'
    return [
      String(index + 1),
      isSent
        ? { ...common, channel: 'email', when: [{ event: `event ${index}` }], content: { subject: text, html: text } }
        : {
            ...common,
            channel: 'inApp',
            template: 'Center Popup',
            when: [{ event: `event ${index}` }],
            limits: { session: 1, day: 2 },
            content: { Title: { Text: text, Color: '#ff8800' }, 'Accept action': { __name__: '' } },
          },
    ]
  }),
)

/** Every second variable has values for two audiences; every test sets two variables for half of everybody. */
const content: ContentSource = {
  audiences: Object.fromEntries(
    Array.from({ length: AUDIENCES }, (_, index) => [
      `a${index}`,
      `attribute.plan = "p${index % 5}" and event.Purchase.count >= ${index % 4} or place.country in ("DE", "C${index}")`,
    ]),
  ),
  variables: Object.fromEntries(
    names
      .filter((_, index) => index % 2 === 0)
      .map((name, index) => [
        name,
        {
          type: 'string',
          values: [
            { audience: `a${index % AUDIENCES}`, value: 'first' },
            { audience: `a${(index + 7) % AUDIENCES}`, value: 'second', priority: 2000 },
          ],
        },
      ]),
  ),
  messages,
  tests: Object.fromEntries(
    Array.from({ length: TESTS }, (_, index) => [
      String(index + 1),
      {
        name: `test ${index}`,
        state: 'running',
        audience: `a${index}`,
        variants: {
          [index * 10 + 101]: { name: 'control' },
          [index * 10 + 102]: { name: 'other', variables: { [names[index]!]: 'x', [names[index + 50]!]: 'y' } },
        },
      },
    ]),
  ),
}

const somebody = (index: number) => ({
  userId: `user-${index}`,
  attributes: { plan: `p${index % 7}`, age: index % 80 },
  events: { Purchase: { count: index % 6, firstAt: 0, lastAt: 0 } },
  place: { country: index % 3 === 0 ? 'DE' : 'US' },
})

/** What content costs: deciding it for one user, and `start` and `track` with it in ratio to the same without. */
export async function runContentBench({ rounds, starts, isKept }: ContentBenchOptions): Promise<void> {
  const deciding = { includeDefaults: decisions(true), withoutDefaults: decisions(false) }
  const bare = await serverWith(null)
  const { messages: _, ...withoutMessages } = content
  const plain = await serverWith(withoutMessages)
  const full = await serverWith(content)
  const worlds = { bare, plain, full }
  const costs: Record<Action, Record<keyof typeof worlds, number[]>> = {
    start: { bare: [], plain: [], full: [] },
    track: { bare: [], plain: [], full: [] },
  }
  // A round to warm up, which does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const kind of shuffled(Object.keys(worlds) as (keyof typeof worlds)[])) {
      for (const action of ACTIONS) {
        const microseconds = await microsecondsPer(action, worlds[kind], starts, round)
        if (round > 0) costs[action][kind].push(microseconds)
      }
    }
  }
  await Promise.all(Object.values(worlds).map((world) => world.close()))
  const toNone = ratios(costs.start.full, costs.start.bare)
  const plainToNone = ratios(costs.start.plain, costs.start.bare)
  const trackToPlain = ratios(costs.track.full, costs.track.plain)
  const text = [
    `${new Date().toISOString().slice(0, 10)}, ${machine()}; ${VARIABLES} variables, ${AUDIENCES} audiences, ${TESTS} A/B tests, ${MESSAGES} messages; in this process, storage off, ${rounds} rounds of ${starts} requests, interleaved; median (least–most).`,
    table(
      ['measured', 'figure'],
      [
        ['content decided for one user, with defaults', `${shown(deciding.includeDefaults)} µs`],
        ['content decided for one user, without defaults', `${shown(deciding.withoutDefaults)} µs`],
        ['`start` without content, processor time', `${shown(spreadOf(costs.start.bare))} µs`],
        ['`start` with all but the messages', `${shown(spreadOf(costs.start.plain))} µs`],
        ['`start` with all', `${shown(spreadOf(costs.start.full))} µs`],
        ['ratio of all but the messages to none', shown(plainToNone)],
        ['ratio of all to none', shown(toNone)],
        ['`track` with all but the messages', `${shown(spreadOf(costs.track.plain))} µs`],
        ['`track` with all, of an event that sets off none of them', `${shown(spreadOf(costs.track.full))} µs`],
        ['ratio', shown(trackToPlain)],
      ],
    ),
  ].join('\n\n')
  process.stdout.write(`${text}\n`)
  if (isKept)
    keep('content', text, {
      machine: machine(),
      date: new Date().toISOString(),
      rounds,
      starts,
      deciding,
      costs,
      toNone,
      plainToNone,
      trackToPlain,
    })
}

/** The median of single decisions, of as many users, in nine rounds. */
function decisions(includeDefaults: boolean): Spread {
  const decide = contentDecider(content, defaults)
  const users = Array.from({ length: 2_000 }, (_, index) => somebody(index))
  const medians = Array.from({ length: 10 }, () =>
    spreadOf(
      users.map((user) => {
        const beganAt = performance.now()
        decide(user, 1_700_000_000_000, includeDefaults)
        return (performance.now() - beganAt) * 1_000
      }),
    ),
  )
  return spreadOf(medians.slice(1).map(({ median }) => median))
}

async function serverWith(source: ContentSource | null): Promise<TestServer> {
  const world = await createTestServer({ now: 1_700_000_000_000 })
  if (source === null) return world
  await world.call('setVars', { vars: defaults })
  const plan = await world.server.engine.applyContent('app_test', source)
  if (!plan.ok) throw new Error(JSON.stringify(plan.problems))
  return world
}

const ACTIONS = ['start', 'track'] as const
type Action = (typeof ACTIONS)[number]

/** Of the processor: others use the machine, too. */
async function microsecondsPer(action: Action, { server }: TestServer, count: number, round: number): Promise<number> {
  const begun = process.cpuUsage()
  for (let index = 0; index < count; index++) {
    const { userId, attributes } = somebody(index)
    const args =
      action === 'start'
        ? { userId, userAttributes: attributes, country: 'DE', includeDefaults: false, round }
        : { userId, event: 'Look', params: { round } }
    const body = Buffer.from(JSON.stringify({ appId: 'app_test', clientKey: 'prod_test', action, ...args }))
    const { status } = await server.answer({
      method: 'POST',
      path: '/api',
      query: '',
      headers: {},
      body,
      address: null,
    })
    if (status !== 200) throw new Error(`${action} answered ${status}`)
  }
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / count
}
