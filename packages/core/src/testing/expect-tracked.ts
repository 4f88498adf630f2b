import type { RecordedAction, RecordingFetch } from './recording-fetch.ts'

/** What an event must have; parameters not named may be anything. */
export interface ExpectedEvent {
  readonly params?: Readonly<Record<string, unknown>>
  readonly userId?: string
  readonly deviceId?: string
  readonly value?: number
  /** How often; at least once if it is not said. */
  readonly times?: number
}

/** Checks what a recording fetch received. Throws a plain error that says what came instead: any test runner shows it. */
export function expectTracked(server: RecordingFetch, event: string, expected: ExpectedEvent = {}): void {
  const { pass, message } = matchTracked(server, event, expected)
  if (!pass) throw new Error(message())
}

/** For `expect.extend(trackedMatchers)` of vitest and jest: `expect(server).toHaveTracked('Purchase', { times: 1 })`. */
export const trackedMatchers = {
  toHaveTracked: (server: RecordingFetch, event: string, expected: ExpectedEvent = {}) =>
    matchTracked(server, event, expected),
}

/** What `toHaveTracked` adds to a runner's matchers; see the guide for the line that declares it. */
export interface TrackedMatchers<R = unknown> {
  toHaveTracked(event: string, expected?: ExpectedEvent): R
}

function matchTracked({ taken }: RecordingFetch, event: string, expected: ExpectedEvent) {
  const events = taken.filter((action) => action['action'] === 'track')
  const matches = events.filter((action) => action['event'] === event && isLike(action, expected))
  const pass = expected.times === undefined ? matches.length > 0 : matches.length === expected.times
  const wanted = `${expected.times ?? 'at least one'} × ${describe({ event, ...expected, times: undefined })}`
  const found = events.length === 0 ? 'no event at all' : events.map((action) => describe(action)).join('\n  ')
  return {
    pass,
    message: () =>
      `Expected ${pass ? 'not ' : ''}${wanted}, found ${matches.length}. The server received:\n  ${found}\n` +
      (events.length === 0 ? 'Await client.flush() before you look.' : ''),
  }
}

function isLike(action: RecordedAction, { params, userId, deviceId, value }: ExpectedEvent): boolean {
  if (userId !== undefined && action['userId'] !== userId) return false
  if (deviceId !== undefined && action['deviceId'] !== deviceId) return false
  if (value !== undefined && action['value'] !== value) return false
  const given = (action['params'] ?? {}) as Readonly<Record<string, unknown>>
  return Object.entries(params ?? {}).every(([key, each]) => Object.is(given[key], each))
}

function describe({ event, userId, deviceId, value, params }: RecordedAction): string {
  return JSON.stringify({ event, userId, deviceId, value, params })
}
