import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sessionHistories, type HistoryStep } from '../testing/arbitraries.ts'
import { HOUR_MS } from '../clock.ts'
import { naiveStory } from './naive-model.ts'
import { expireSession, reduceSession } from './reduce.ts'
import { NO_SESSION, type Session, type SessionEffect } from './session.ts'
import { play, storyOf, withoutSweeps, type Story } from './story.ts'
import { DEFAULT_SESSION_RULES, type SessionRules } from './timing.ts'

/** Continuous integration asks for 100,000; the default is for the hand. */
const NUM_RUNS = Number(process.env['DAMSON_HISTORIES'] ?? 5000)
const SEED = Number(process.env['DAMSON_SEED'] ?? Date.now() % 2 ** 31)
const TIMEOUT_MS = 600_000

/** Beside the real rules, narrow ones: so that forgetting and offline records come up in two dozen commands. */
const NARROW = { ...DEFAULT_SESSION_RULES, amendableCount: 2, amendableMs: 3 * HOUR_MS, offlineRecordMs: HOUR_MS }
const RULES: readonly SessionRules[] = [
  DEFAULT_SESSION_RULES,
  NARROW,
  { ...DEFAULT_SESSION_RULES, mergeStartWithinPause: false },
  { ...NARROW, mergeStartWithinPause: false, amendableCount: 1 },
]
const anyRules = fc.constantFrom(...RULES)

/** Random histories, always replayable: the seed is fixed for the run and printed. */
function forAll(check: (history: readonly HistoryStep[], rules: SessionRules) => void) {
  fc.assert(fc.property(sessionHistories(fc), anyRules, check), { numRuns: NUM_RUNS, seed: SEED })
}

console.info(`session histories: ${NUM_RUNS}, replay with DAMSON_SEED=${SEED}`)

/** `toEqual` is slow, and only ever needed to explain a difference. */
function expectSame(actual: Story, expected: Story) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected)
}

describe('over random histories, in and out of order', () => {
  test('the reducer tells the same story as a naive model that keeps everything', { timeout: TIMEOUT_MS }, () => {
    forAll((history, rules) => expectSame(storyOf(play(history, rules)), naiveStory(history, rules)))
  })

  test('sweeping often, rarely or never tells the same story', { timeout: TIMEOUT_MS }, () => {
    forAll((history, rules) => {
      const unswept = withoutSweeps(history)
      const never = storyOf(play(unswept, rules))
      expectSame(storyOf(play(history, rules)), never)
      expectSame(storyOf(play(sweptAfterEach(unswept), rules)), never)
    })
  })

  test('each session that starts ends once, less its reopenings', { timeout: TIMEOUT_MS }, () => {
    forAll((history, rules) => {
      const { effects } = play(history, rules)
      const begun = tallyOf(
        effects,
        (effect) => effect.type === 'counted' || (effect.type === 'started' && effect.counted),
      )
      const ended = tallyOf(effects, (effect) => effect.type === 'ended')
      const reopened = tallyOf(effects, (effect) => effect.type === 'reopened')
      for (const [id, times] of begun) {
        expect(times).toBe(1)
        expect((ended.get(id) ?? 0) - (reopened.get(id) ?? 0)).toBe(1)
      }
      expect([...ended.keys()].every((id) => begun.has(id))).toBe(true)
    })
  })

  test('the sessions of a lane never overlap, and no duration is negative', { timeout: TIMEOUT_MS }, () => {
    forAll((history, rules) => {
      const story = storyOf(play(history, rules))
      const inOrder = story.sessions.toSorted((a, b) => a.startedAt - b.startedAt || a.endedAt - b.endedAt)
      inOrder.forEach((session, index) => {
        if (session.durationMs < 0 || session.durationMs > session.endedAt - session.startedAt)
          expect.fail(`A duration is impossible: ${JSON.stringify(session)}`)
        const next = inOrder[index + 1]
        if (next !== undefined && next.startedAt < session.endedAt)
          expect.fail(`Sessions overlap: ${JSON.stringify([session, next])}`)
      })
      for (const state of story.states)
        if (state.durationMs !== null && state.durationMs < 0) expect.fail(`Negative: ${JSON.stringify(state)}`)
      expect(story.timeInAppMs).toBe(inOrder.reduce((total, session) => total + session.durationMs, 0))
    })
  })

  test('deciding twice gives the same, and leaves what it was given as it was', { timeout: TIMEOUT_MS }, () => {
    forAll((history, rules) => {
      let session: Session = frozen(NO_SESSION)
      for (const step of history) {
        const decide = (): { session: Session; effects: readonly SessionEffect[] } =>
          'sweepAt' in step
            ? expireSession(session, step.sweepAt, rules)
            : reduceSession(session, frozen(step.command), step.at, rules)
        const first = decide()
        if (JSON.stringify(decide()) !== JSON.stringify(first)) expect(decide()).toEqual(first)
        session = frozen(first.session)
      }
    })
  })
})

/** A sweep right after every command, at a server time that only grows. */
function sweptAfterEach(history: readonly HistoryStep[]): readonly HistoryStep[] {
  let serverNow = -Infinity
  return history.flatMap((step) => {
    if (!('command' in step)) return [step]
    serverNow = Math.max(serverNow, step.at)
    return [step, { sweepAt: serverNow }, { sweepAt: (serverNow += HOUR_MS) }]
  })
}

function tallyOf(effects: readonly SessionEffect[], wanted: (effect: SessionEffect) => boolean): Map<string, number> {
  const tally = new Map<string, number>()
  for (const effect of effects)
    if ('sessionId' in effect && wanted(effect)) tally.set(effect.sessionId, (tally.get(effect.sessionId) ?? 0) + 1)
  return tally
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
