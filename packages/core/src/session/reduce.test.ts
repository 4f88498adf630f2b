import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS, type EpochMs } from '../clock.ts'
import { deadlineOf, expireSession, isOpen, reduceSession } from './reduce.ts'
import { NO_SESSION, type Session, type SessionCommand, type SessionEffect, type Transition } from './session.ts'
import { DEFAULT_SESSION_RULES, SESSION_INACTIVITY_MS, SESSION_PAUSED_MS, type SessionRules } from './timing.ts'

const NOON = Date.UTC(2024, 0, 1, 12)
const minute = (minutes: number): EpochMs => NOON + minutes * MINUTE_MS

const start = (id = 's1'): SessionCommand => ({ type: 'start', id })
const startInBackground = (id = 'b1'): SessionCommand => ({ type: 'startInBackground', id })
const resume = (id = 'r1'): SessionCommand => ({ type: 'resume', id })
const pause: SessionCommand = { type: 'pause' }
const stop: SessionCommand = { type: 'stop' }
const heartbeat: SessionCommand = { type: 'heartbeat' }
const pauseState: SessionCommand = { type: 'pauseState' }
const resumeState: SessionCommand = { type: 'resumeState' }
const touch: SessionCommand = { type: 'touch' }
const track: SessionCommand = { type: 'track', disposition: 'active', offlineId: 'o1' }
const passive: SessionCommand = { type: 'track', disposition: 'passive', offlineId: 'o1' }
const requireActive: SessionCommand = { type: 'track', disposition: 'requireActive', offlineId: 'o1' }
const advance = (state: string, stateId = `t-${state}`): SessionCommand => ({
  type: 'advance',
  state,
  stateId,
  offlineId: 'o1',
})

type Step = readonly [command: SessionCommand, minutes: number]

/** The session after these steps, from nothing. */
function after(...steps: readonly Step[]): Session {
  return steps.reduce<Session>(
    (session, [command, at]) => reduceSession(session, command, minute(at)).session,
    NO_SESSION,
  )
}

function apply(session: Session, command: SessionCommand, minutes: number, rules?: SessionRules): Transition {
  return reduceSession(session, command, minute(minutes), rules)
}

/** Effects in words: their type, what they are about, and how many minutes. */
function told(effects: readonly SessionEffect[]): readonly string[] {
  const since = (at: EpochMs) => (at - NOON) / MINUTE_MS
  return effects.map((effect) => {
    switch (effect.type) {
      case 'started':
        return `started ${effect.sessionId} at ${since(effect.at)}${effect.counted ? '' : ' uncounted'}`
      case 'ended':
        return `ended ${effect.sessionId} at ${since(effect.endedAt)} after ${effect.durationMs / MINUTE_MS}: ${effect.reason}`
      case 'reopened':
        return `reopened ${effect.sessionId} less ${effect.durationMs / MINUTE_MS}`
      case 'extended':
        return `extended ${effect.sessionId} to ${since(effect.endedAt)} by ${effect.durationMs / MINUTE_MS}`
      case 'discarded':
        return `discarded ${effect.sessionId}`
      case 'stateEntered':
        return `entered ${effect.stateId} at ${since(effect.at)} in ${effect.recordId}${effect.offline ? ' offline' : ''}`
      case 'stateLeft':
        return `left ${effect.stateId} at ${since(effect.at)} after ${effect.durationMs / MINUTE_MS}`
      case 'offlineOpened':
        return `offline ${effect.recordId} at ${since(effect.at)}`
      case 'activity':
        return `activity at ${since(effect.at)}`
      case 'counted':
      case 'paused':
      case 'resumed':
        return `${effect.type} ${effect.sessionId} at ${since(effect.at)}`
    }
  })
}

function inSession(sessionId: string, stateId: string | null = null) {
  return { as: 'session', sessionId, stateId }
}

const ACTIVE = after([start(), 0])
const PAUSED = after([start(), 0], [pause, 10])
const BACKGROUND = after([startInBackground(), 0])
const NO_SESSION_ANSWER = { as: 'noSession' }
const OFFLINE_ANSWER = { as: 'offline', recordId: 'o1' }

describe('without a session', () => {
  test.each([
    ['start', start(), 's1'],
    ['resumeSession', resume(), 'r1'],
  ])('%s opens a counted session', (_, command, id) => {
    const next = apply(NO_SESSION, command, 0)
    expect(next.session).toMatchObject({ phase: 'active', run: { id, startedAt: NOON, lastActivityAt: NOON } })
    expect(told(next.effects)).toEqual([`started ${id} at 0`, 'activity at 0'])
    expect(next.answer).toEqual(inSession(id))
  })

  test('a background start opens a run that is not counted', () => {
    const next = apply(NO_SESSION, startInBackground(), 0)
    expect(next.session.phase).toBe('background')
    expect(told(next.effects)).toEqual(['started b1 at 0 uncounted'])
    expect(next.answer).toEqual(inSession('b1'))
  })

  test.each([
    ['pauseSession', pause],
    ['heartbeat', heartbeat],
    ['stop', stop],
    ['pauseState', pauseState],
    ['resumeState', resumeState],
    ['a requireActive track', requireActive],
  ])('%s is skipped', (_, command) => {
    expect(apply(NO_SESSION, command, 0)).toEqual({ session: NO_SESSION, effects: [], answer: NO_SESSION_ANSWER })
  })

  test.each([
    ['active', track],
    ['passive', passive],
  ])('a track that is %s goes to an offline record, and is not activity', (_, command) => {
    const next = apply(NO_SESSION, command, 0)
    expect(told(next.effects)).toEqual(['offline o1 at 0'])
    expect(next.answer).toEqual(OFFLINE_ANSWER)
    expect(next.session).toEqual({ ...NO_SESSION, offline: { id: 'o1', openedAt: NOON } })
  })

  test('advance goes to an offline record', () => {
    const next = apply(NO_SESSION, advance('Menu'), 0)
    expect(told(next.effects)).toEqual(['offline o1 at 0', 'entered t-Menu at 0 in o1 offline'])
    expect(next.answer).toEqual(OFFLINE_ANSWER)
  })

  test('leaving a state opens no offline record, and joins the one there is', () => {
    expect(apply(NO_SESSION, advance(''), 0)).toEqual({ session: NO_SESSION, effects: [], answer: OFFLINE_ANSWER })
    const collecting = after([{ type: 'track', disposition: 'active', offlineId: 'o0' }, 0])
    expect(apply(collecting, advance(''), 1)).toEqual({
      session: collecting,
      effects: [],
      answer: { as: 'offline', recordId: 'o0' },
    })
  })

  test('anything about the profile changes nothing', () => {
    expect(apply(NO_SESSION, touch, 0)).toEqual({ session: NO_SESSION, effects: [], answer: { as: 'nothing' } })
  })
})

describe('with an active session', () => {
  test('start ends it at its last activity and opens another', () => {
    const next = apply(after([start(), 0], [heartbeat, 5]), start('s2'), 9)
    expect(told(next.effects)).toEqual(['ended s1 at 5 after 5: restart', 'started s2 at 9', 'activity at 9'])
    expect(next.answer).toEqual(inSession('s2'))
  })

  test('a background start changes nothing', () => {
    expect(apply(ACTIVE, startInBackground(), 5)).toEqual({ session: ACTIVE, effects: [], answer: { as: 'nothing' } })
  })

  test.each([
    ['resumeSession', resume()],
    ['heartbeat', heartbeat],
    ['an active track', track],
    ['a requireActive track', requireActive],
    ['pauseState without a state', pauseState],
    ['resumeState without a state', resumeState],
    ['advance to no state', advance('')],
  ])('%s is activity and no more', (_, command) => {
    const next = apply(ACTIVE, command, 5)
    expect(told(next.effects)).toEqual(['activity at 5'])
    expect(next.session).toEqual(after([start(), 0], [heartbeat, 5]))
    expect(next.answer).toEqual(inSession('s1'))
  })

  test('a passive track belongs to it without prolonging it', () => {
    expect(apply(ACTIVE, passive, 5)).toEqual({ session: ACTIVE, effects: [], answer: inSession('s1') })
  })

  test('pauseSession pauses it', () => {
    const next = apply(ACTIVE, pause, 5)
    expect(next.session).toMatchObject({ phase: 'paused', pausedAt: minute(5) })
    expect(told(next.effects)).toEqual(['paused s1 at 5', 'activity at 5'])
    expect(next.answer).toEqual(inSession('s1'))
  })

  test.each(['stop', 'switch'] as const)('a %s ends it then and there', (reason) => {
    const next = apply(ACTIVE, { type: 'stop', reason }, 5)
    expect(told(next.effects)).toEqual([`ended s1 at 5 after 5: ${reason}`, 'activity at 5'])
    expect(next.session).toMatchObject({ phase: 'closed', lapsed: null, past: [{ id: 's1', endedAt: minute(5) }] })
    expect(next.answer).toEqual(inSession('s1'))
  })

  test('advance leaves the current state and enters another', () => {
    const next = apply(after([start(), 0], [advance('Menu'), 1]), advance('Game'), 5)
    expect(told(next.effects)).toEqual(['left t-Menu at 5 after 4', 'entered t-Game at 5 in s1', 'activity at 5'])
    expect(next.answer).toEqual(inSession('s1', 't-Game'))
    expect(apply(next.session, track, 6).answer).toEqual(inSession('s1', 't-Game'))
  })

  test('anything about the profile does not prolong it', () => {
    expect(apply(ACTIVE, touch, 5)).toEqual({ session: ACTIVE, effects: [], answer: { as: 'nothing' } })
  })
})

describe('with a paused session', () => {
  test.each([
    ['start', start('s2')],
    ['resumeSession', resume()],
  ])('%s continues it, and does not count it again', (_, command) => {
    const next = apply(PAUSED, command, 20)
    expect(told(next.effects)).toEqual(['resumed s1 at 20', 'activity at 20'])
    expect(next.session).toMatchObject({ phase: 'active', run: { id: 's1', pausedMs: 10 * MINUTE_MS } })
    expect(next.answer).toEqual(inSession('s1'))
  })

  test('start opens another where an operator does not want visits merged', () => {
    const next = apply(PAUSED, start('s2'), 20, { ...DEFAULT_SESSION_RULES, mergeStartWithinPause: false })
    expect(told(next.effects)).toEqual(['ended s1 at 10 after 10: restart', 'started s2 at 20', 'activity at 20'])
  })

  test.each([
    ['pauseSession', pause, inSession('s1')],
    ['heartbeat', heartbeat, inSession('s1')],
    ['a background start', startInBackground(), { as: 'nothing' }],
    ['pauseState', pauseState, NO_SESSION_ANSWER],
    ['resumeState', resumeState, NO_SESSION_ANSWER],
    ['a requireActive track', requireActive, NO_SESSION_ANSWER],
    ['anything about the profile', touch, { as: 'nothing' }],
  ])('%s changes nothing', (_, command, answer) => {
    expect(apply(PAUSED, command, 20)).toEqual({ session: PAUSED, effects: [], answer })
  })

  test('stop ends it at the pause', () => {
    expect(told(apply(PAUSED, stop, 20).effects)).toEqual(['ended s1 at 10 after 10: stop', 'activity at 20'])
  })

  test.each([
    ['an active track', track, ['offline o1 at 10']],
    ['a passive track', passive, ['offline o1 at 10']],
    ['advance', advance('Menu'), ['offline o1 at 10', 'entered t-Menu at 10 in o1 offline']],
  ])('%s from the pause on is offline, and the pause goes on', (_, command, effects) => {
    const next = apply(PAUSED, command, 10)
    expect(told(next.effects)).toEqual(effects)
    expect(next.session).toEqual({ ...PAUSED, offline: { id: 'o1', openedAt: minute(10) } })
    expect(next.answer).toEqual(OFFLINE_ANSWER)
  })

  test.each([
    ['an active track', track, ['activity at 9']],
    ['a requireActive track', requireActive, ['activity at 9']],
    ['a passive track', passive, []],
  ])('%s of before the pause belongs to it, and the pause goes on', (_, command, effects) => {
    const next = apply(PAUSED, command, 9)
    expect(told(next.effects)).toEqual(effects)
    expect(next.session).toEqual(PAUSED)
    expect(next.answer).toEqual(inSession('s1'))
  })

  test('a state of before the pause is entered with its clock stopped', () => {
    const next = apply(after([start(), 0], [advance('Menu'), 2], [pause, 10]), advance('Game'), 9)
    expect(told(next.effects)).toEqual(['left t-Menu at 10 after 8', 'entered t-Game at 10 in s1', 'activity at 9'])
    expect(next.session.phase).toBe('paused')
    const resumed = apply(next.session, resume(), 20).session
    expect(told(apply(resumed, stop, 25).effects)[0]).toBe('left t-Game at 25 after 5')
  })

  test('pauses are no part of the duration', () => {
    const session = after([start(), 0], [pause, 10], [resume(), 20], [pause, 30], [start(), 45])
    expect(told(apply(session, stop, 60).effects)[0]).toBe('ended s1 at 60 after 35: stop')
  })
})

describe('with a background run', () => {
  test.each([
    ['start', start('s2')],
    ['resumeSession', resume()],
  ])('%s counts it, from then on', (_, command) => {
    const next = apply(BACKGROUND, command, 20)
    expect(told(next.effects)).toEqual(['counted b1 at 20', 'activity at 20'])
    expect(next.session).toMatchObject({ phase: 'active', run: { id: 'b1', startedAt: minute(20) } })
    expect(next.answer).toEqual(inSession('b1'))
    expect(told(apply(next.session, stop, 25).effects)[0]).toBe('ended b1 at 25 after 5: stop')
  })

  test('another background start lets the same run begin later', () => {
    const next = apply(BACKGROUND, startInBackground('b2'), 20)
    expect(next).toEqual({ session: after([startInBackground(), 20]), effects: [], answer: inSession('b1') })
  })

  test.each([
    ['pauseSession', pause, inSession('b1')],
    ['heartbeat', heartbeat, inSession('b1')],
    ['pauseState', pauseState, NO_SESSION_ANSWER],
    ['resumeState', resumeState, NO_SESSION_ANSWER],
    ['a requireActive track', requireActive, NO_SESSION_ANSWER],
    ['anything about the profile', touch, { as: 'nothing' }],
  ])('%s changes nothing', (_, command, answer) => {
    expect(apply(BACKGROUND, command, 20)).toEqual({ session: BACKGROUND, effects: [], answer })
  })

  test('stop discards it', () => {
    const next = apply(BACKGROUND, stop, 20)
    expect(next).toEqual({
      session: NO_SESSION,
      effects: [{ type: 'discarded', sessionId: 'b1' }],
      answer: inSession('b1'),
    })
  })

  test.each([
    ['an active track', track, ['offline o1 at 20']],
    ['a passive track', passive, ['offline o1 at 20']],
    ['advance', advance('Menu'), ['offline o1 at 20', 'entered t-Menu at 20 in o1 offline']],
  ])('%s is offline', (_, command, effects) => {
    const next = apply(BACKGROUND, command, 20)
    expect(told(next.effects)).toEqual(effects)
    expect(next.session).toMatchObject({ phase: 'background' })
    expect(next.answer).toEqual(OFFLINE_ANSWER)
  })
})

describe('time-outs', () => {
  const withState = after([start(), 0], [advance('Menu'), 5])
  const withPausedState = after([start(), 0], [advance('Menu'), 5], [pause, 10])

  test.each([
    ['an active session', withState, minute(5) + SESSION_INACTIVITY_MS],
    ['a paused session', withPausedState, minute(10) + SESSION_PAUSED_MS],
    ['a background run', BACKGROUND, NOON + SESSION_INACTIVITY_MS],
  ])('%s is open up to a millisecond before its deadline, and not at it', (_, session, deadline) => {
    expect(deadlineOf(session)).toBe(deadline)
    expect(expireSession(session, deadline - 1)).toEqual({ session, effects: [] })
    expect(isOpen(session)).toBe(true)
    for (const now of [deadline, deadline + 1]) {
      const expired = expireSession(session, now).session
      expect(isOpen(expired)).toBe(false)
      expect(deadlineOf(expired)).toBeNull()
    }
  })

  test.each([
    [SESSION_INACTIVITY_MS - 1, true],
    [SESSION_INACTIVITY_MS, false],
    [SESSION_INACTIVITY_MS + 1, false],
  ])('a heartbeat %i ms after the last activity finds an active session: %s', (waitMs, isFound) => {
    const { answer } = reduceSession(ACTIVE, heartbeat, NOON + waitMs)
    expect(answer).toEqual(isFound ? inSession('s1') : NO_SESSION_ANSWER)
  })

  test.each([
    [SESSION_PAUSED_MS - 1, 's1'],
    [SESSION_PAUSED_MS, 'r1'],
    [SESSION_PAUSED_MS + 1, 'r1'],
  ])('a resume %i ms after the pause is in session %s', (waitMs, id) => {
    expect(reduceSession(PAUSED, resume(), minute(10) + waitMs).answer).toEqual(inSession(id))
  })

  test('an active session ends at its last activity, and its state with it', () => {
    const { effects, session } = expireSession(withState, minute(500))
    expect(told(effects)).toEqual(['left t-Menu at 5 after 0', 'ended s1 at 5 after 5: timeout'])
    expect(session).toMatchObject({ phase: 'closed', lapsed: { phase: 'active' }, past: [] })
  })

  test('a paused session ends at its pause, and its state with it', () => {
    expect(told(expireSession(withPausedState, minute(500)).effects)).toEqual([
      'left t-Menu at 10 after 5',
      'ended s1 at 10 after 10: pauseTimeout',
    ])
  })

  test('a background run disappears', () => {
    expect(told(expireSession(BACKGROUND, minute(500)).effects)).toEqual(['discarded b1'])
  })

  test('a command expires the session first, whatever it is', () => {
    expect(told(apply(ACTIVE, touch, 120).effects)).toEqual(['ended s1 at 0 after 0: timeout'])
    expect(told(apply(ACTIVE, start('s2'), 120).effects)).toEqual([
      'ended s1 at 0 after 0: timeout',
      'started s2 at 120',
      'activity at 120',
    ])
  })

  test('a heartbeat does not prolong the pause', () => {
    const session = after([start(), 0], [pause, 10], [heartbeat, 39])
    expect(deadlineOf(session)).toBe(minute(40))
  })
})

describe('a session that timed out before an event of its own arrived', () => {
  const live = after([start(), 0], [advance('Menu'), 5])
  const swept = expireSession(live, minute(500)).session

  test('is open again for that event, state and all', () => {
    const next = apply(swept, track, 60)
    expect(told(next.effects)).toEqual(['reopened s1 less 5', 'activity at 60'])
    expect(next.answer).toEqual(inSession('s1', 't-Menu'))
    expect(next.session).toEqual(apply(live, track, 60).session)
  })

  test('is over for an event at its deadline', () => {
    const deadline = minute(5) + SESSION_INACTIVITY_MS
    expect(reduceSession(swept, heartbeat, deadline - 1).answer).toEqual(inSession('s1', 't-Menu'))
    expect(reduceSession(swept, heartbeat, deadline).answer).toEqual(NO_SESSION_ANSWER)
  })

  test('is open again in its pause as well', () => {
    const paused = expireSession(PAUSED, minute(500)).session
    const next = apply(paused, resume(), 39)
    expect(told(next.effects)).toEqual(['reopened s1 less 10', 'resumed s1 at 39', 'activity at 39'])
    expect(apply(paused, resume(), 40).answer).toEqual(inSession('r1'))
  })

  test('comes back in silence if it was in the background, as nothing had ended', () => {
    const next = apply(expireSession(BACKGROUND, minute(500)).session, resume(), 60)
    expect(told(next.effects)).toEqual(['counted b1 at 60', 'activity at 60'])
  })

  test('is past for good once another began', () => {
    const next = apply(swept, start('s2'), 300)
    expect(next.session.past).toEqual([{ id: 's1', startedAt: NOON, endedAt: minute(5), pausedMs: 0, growing: false }])
    expect(apply(next.session, heartbeat, 60).answer).toEqual(NO_SESSION_ANSWER)
  })

  test('leaves no trace in the past if it was in the background', () => {
    const next = apply(expireSession(BACKGROUND, minute(500)).session, start('s2'), 300)
    expect(next.session.past).toEqual([])
  })

  test('is not reopened by what concerns the profile only', () => {
    expect(apply(swept, touch, 60)).toEqual({ session: swept, effects: [], answer: { as: 'nothing' } })
  })
})

describe('what comes late', () => {
  /** A session from 0 to 10, and one open since 60. */
  const session = after([start(), 0], [track, 4], [stop, 10], [start('s2'), 60])

  test.each([0, 4, 10])('belongs to the past session it happened in, at minute %i', (at) => {
    for (const command of [track, requireActive, heartbeat]) {
      const next = apply(session, command, at)
      expect(next.answer).toEqual(inSession('s1'))
      expect(told(next.effects)).toEqual([`activity at ${at}`])
      expect(next.session).toBe(session)
    }
    expect(apply(session, passive, at)).toEqual({ session, effects: [], answer: inSession('s1') })
  })

  test('enters a state there without duration', () => {
    const next = apply(session, advance('Menu'), 4)
    expect(told(next.effects)).toEqual(['entered t-Menu at 4 in s1', 'left t-Menu at 4 after 0', 'activity at 4'])
    expect(next.answer).toEqual(inSession('s1', 't-Menu'))
    expect(told(apply(session, advance(''), 4).effects)).toEqual(['activity at 4'])
  })

  test.each([-1, 11, 59])('is as without a session at minute %i', (at) => {
    expect(apply(session, track, at).answer).toEqual(OFFLINE_ANSWER)
    expect(apply(session, advance('Menu'), at).answer).toEqual(OFFLINE_ANSWER)
    for (const command of [requireActive, heartbeat, pause, stop, pauseState, resumeState])
      expect(apply(session, command, at)).toEqual({ session, effects: [], answer: NO_SESSION_ANSWER })
  })

  test('a state cannot be paused in the past', () => {
    for (const command of [pauseState, resumeState])
      expect(apply(session, command, 4).answer).toEqual(NO_SESSION_ANSWER)
  })

  test('a use, its end or its pause inside a past session is nothing new', () => {
    for (const command of [start('s9'), resume('s9'), stop, pause])
      for (const at of [0, 4, 10])
        expect(apply(session, command, at)).toEqual({ session, effects: [], answer: inSession('s1') })
  })

  test('a background start is nothing', () => {
    for (const at of [-5, 5, 30])
      expect(apply(session, startInBackground(), at)).toEqual({ session, effects: [], answer: { as: 'nothing' } })
  })

  test('the last instant of a stopped session is still its own, but a new use may begin there', () => {
    const stopped = after([start(), 0], [stop, 10])
    expect(apply(stopped, track, 10).answer).toEqual(inSession('s1'))
    expect(apply(stopped, track, 11).answer).toEqual(OFFLINE_ANSWER)
    expect(apply(stopped, start('s9'), 9).answer).toEqual(inSession('s1'))
    expect(apply(stopped, start('s9'), 10).answer).toEqual(inSession('s9'))
  })

  test('is late for a lapsed session too, which stays as it was', () => {
    const lapsed = expireSession(session, minute(500)).session
    const next = apply(lapsed, start('s9'), 30)
    expect(next.session).toMatchObject({ phase: 'closed', lapsed: { run: { id: 's2' } } })
    expect(next.session.past.map((past) => past.id)).toEqual(['s1', 's9'])
  })
})

describe('a late start', () => {
  const session = after([start(), 0], [stop, 10], [start('s2'), 300])

  test.each([
    ['start', start('s9')],
    ['resumeSession', resume('s9')],
  ])('by %s makes a counted session of its own, and does not disturb the open one', (_, command) => {
    const next = apply(session, command, 30)
    expect(told(next.effects)).toEqual(['started s9 at 30', 'ended s9 at 30 after 0: restart', 'activity at 30'])
    expect(next.answer).toEqual(inSession('s9'))
    expect(next.session).toMatchObject({ phase: 'active', run: { id: 's2' } })
    expect(next.session.past.map((past) => past.id)).toEqual(['s1', 's9'])
  })

  const made = apply(session, start('s9'), 30).session

  test.each([
    ['a track', track, ['extended s9 to 40 by 10', 'activity at 40'], null],
    ['a heartbeat', heartbeat, ['extended s9 to 40 by 10', 'activity at 40'], null],
    [
      'a state',
      advance('Menu'),
      ['entered t-Menu at 40 in s9', 'left t-Menu at 40 after 0', 'extended s9 to 40 by 10', 'activity at 40'],
      't-Menu',
    ],
    ['a passive track', passive, [], null],
  ])('is continued by its own %s', (_, command, effects, stateId) => {
    const next = apply(made, command, 40)
    expect(told(next.effects)).toEqual(effects)
    expect(next.answer).toEqual(inSession('s9', stateId))
  })

  test('takes what is less than the time-out later, and no more', () => {
    const limit = minute(30) + SESSION_INACTIVITY_MS
    expect(reduceSession(made, heartbeat, limit - 1).answer).toEqual(inSession('s9'))
    expect(reduceSession(made, heartbeat, limit).answer).toEqual(NO_SESSION_ANSWER)
  })

  test('never reaches into the next session, however soon that begins', () => {
    const crowded = apply(made, start('s10'), 35).session
    expect(apply(crowded, track, 35).answer).toEqual(inSession('s10'))
    expect(apply(crowded, track, 34).answer).toEqual(inSession('s9'))
    const beforeOpen = apply(session, start('s9'), 299).session
    expect(apply(beforeOpen, track, 300).answer).toEqual(inSession('s2'))
  })

  test('never reaches past a run that timed out, however short that was', () => {
    const shortRun = after([start(), 0], [stop, 10], [start('s2'), 30], [pause, 31])
    const grown = apply(shortRun, start('s9'), 20).session
    expect(apply(grown, track, 61).answer).toEqual(OFFLINE_ANSWER)
  })

  test.each([
    ['stop', stop],
    ['pauseSession', pause],
  ])('is over at its own %s', (_, command) => {
    const next = apply(made, command, 40)
    expect(told(next.effects)).toEqual(['extended s9 to 40 by 10', 'activity at 40'])
    expect(apply(next.session, track, 40).answer).toEqual(inSession('s9'))
    expect(apply(next.session, track, 41).answer).toEqual(OFFLINE_ANSWER)
  })

  test('is over at a stop of before its last event, with nothing lost', () => {
    const next = apply(apply(made, track, 50).session, stop, 40)
    expect(told(next.effects)).toEqual(['activity at 40'])
    expect(next.session.past[1]).toMatchObject({ endedAt: minute(50), growing: false })
  })

  test('still grows while nothing came after it', () => {
    const pending = after([start(), 0], [stop, 10], [startInBackground(), 300])
    const alone = apply(apply(pending, start('s9'), 30).session, stop, 301).session
    expect(apply(alone, track, 40).answer).toEqual(inSession('s9'))
    expect(apply(alone, start('s10'), 40).session).toMatchObject({ phase: 'active', run: { id: 's10' } })
  })
})

describe('order within one session', () => {
  const session = after([start(), 0], [track, 20])

  test('the last activity never goes back', () => {
    expect(apply(session, track, 10).session).toBe(session)
    expect(told(apply(session, track, 10).effects)).toEqual(['activity at 10'])
  })

  test('a pause or a stop that comes out of order takes effect at the last activity', () => {
    expect(apply(session, pause, 10).session).toMatchObject({ pausedAt: minute(20) })
    expect(told(apply(session, stop, 10).effects)[0]).toBe('ended s1 at 20 after 20: stop')
  })

  test('a start that comes out of order begins where the session before it ended', () => {
    expect(told(apply(session, start('s2'), 10).effects)).toEqual([
      'ended s1 at 20 after 20: restart',
      'started s2 at 20',
      'activity at 20',
    ])
  })

  test('a resume of before the pause takes nothing from the duration', () => {
    expect(apply(PAUSED, resume(), 5).session).toMatchObject({
      phase: 'active',
      run: { pausedMs: 0, lastActivityAt: minute(10) },
    })
  })

  test('a state is never left before it was entered', () => {
    const inState = after([start(), 0], [advance('Menu'), 20])
    const next = apply(inState, advance('Game'), 10)
    expect(told(next.effects)).toEqual(['left t-Menu at 20 after 0', 'entered t-Game at 20 in s1', 'activity at 10'])
  })

  test('an event of before the current state was entered is filed under none', () => {
    const inState = after([start(), 0], [advance('Menu'), 20])
    expect(apply(inState, track, 19).answer).toEqual(inSession('s1'))
    expect(apply(inState, track, 20).answer).toEqual(inSession('s1', 't-Menu'))
  })
})

describe('the clock of a state', () => {
  const leftAfter = (...steps: readonly Step[]) =>
    told(apply(after([start(), 0], [advance('Menu'), 0], ...steps), advance(''), 60).effects)[0]

  test('stands while the app holds it', () => {
    expect(leftAfter([pauseState, 10], [resumeState, 30])).toBe('left t-Menu at 60 after 40')
    expect(leftAfter([pauseState, 10])).toBe('left t-Menu at 60 after 10')
  })

  test('keeps its first pause', () => {
    expect(leftAfter([pauseState, 10], [pauseState, 20], [resumeState, 30])).toBe('left t-Menu at 60 after 40')
    expect(leftAfter([resumeState, 10], [pauseState, 20])).toBe('left t-Menu at 60 after 20')
  })

  test('stands while the session is paused', () => {
    expect(leftAfter([pause, 10], [resume(), 30])).toBe('left t-Menu at 60 after 40')
  })

  test('stays held by the app when the session resumes', () => {
    expect(leftAfter([pauseState, 10], [pause, 20], [resume(), 30])).toBe('left t-Menu at 60 after 10')
    expect(leftAfter([pauseState, 10], [pause, 20], [resume(), 30], [resumeState, 40])).toBe(
      'left t-Menu at 60 after 30',
    )
  })

  test('holding a state keeps the session alive', () => {
    expect(deadlineOf(after([start(), 0], [advance('Menu'), 0], [pauseState, 10]))).toBe(
      minute(10) + SESSION_INACTIVITY_MS,
    )
  })
})

describe('the offline record', () => {
  const second: SessionCommand = { type: 'track', disposition: 'active', offlineId: 'o2' }
  const collecting = after([track, 0])

  test.each([
    [DAY_MS - 1, 'o1'],
    [DAY_MS, 'o2'],
    [1 - DAY_MS, 'o1'],
    [-DAY_MS, 'o2'],
  ])('an event %i ms from its first one is in record %s', (awayMs, recordId) => {
    expect(reduceSession(collecting, second, NOON + awayMs).answer).toEqual({ as: 'offline', recordId })
  })

  test.each([
    ['start', start()],
    ['resumeSession', resume()],
  ])('ends with a %s', (_, command) => {
    expect(apply(collecting, command, 5).session.offline).toBeNull()
  })

  test('goes on through a background start, and ends when that is counted', () => {
    const pending = apply(collecting, startInBackground(), 5).session
    expect(apply(pending, second, 6).answer).toEqual(OFFLINE_ANSWER)
    expect(apply(pending, resume(), 6).session.offline).toBeNull()
  })

  test('goes on through a pause, and ends with a late start', () => {
    const session = after([start(), 300], [pause, 310], [track, 311])
    expect(apply(session, resume(), 315).session.offline).toEqual({ id: 'o1', openedAt: minute(311) })
    expect(apply(session, start('s9'), 30).session.offline).toBeNull()
  })
})

describe('how much of the past is kept', () => {
  const narrow: SessionRules = { ...DEFAULT_SESSION_RULES, amendableCount: 2, amendableMs: DAY_MS }
  const uses = (...days: readonly number[]) =>
    days.reduce<Session>((session, day) => {
      const opened = reduceSession(session, start(`s${day}`), NOON + day * DAY_MS, narrow).session
      return reduceSession(opened, stop, NOON + day * DAY_MS + HOUR_MS, narrow).session
    }, NO_SESSION)

  test('the newest sessions are kept, up to the count', () => {
    expect(uses(0, 0.1, 0.2).past.map((past) => past.id)).toEqual(['s0.1', 's0.2'])
  })

  test('a session is kept for as long as it is amendable, counted from its end', () => {
    const kept = (openedAt: EpochMs) => reduceSession(uses(0), start('s9'), openedAt, narrow).session.past.length
    expect(kept(NOON + HOUR_MS + DAY_MS)).toBe(1)
    expect(kept(NOON + HOUR_MS + DAY_MS + 1)).toBe(0)
  })

  test('nothing is made where a forgotten session may have been', () => {
    const full = uses(0, 0.1, 0.2)
    const nothing = { session: full, effects: [], answer: { as: 'nothing' } }
    expect(reduceSession(full, start('s9'), NOON + 0.1 * DAY_MS - 1, narrow)).toEqual(nothing)
    const old = uses(0, 3)
    expect(reduceSession(old, start('s9'), NOON + 2 * DAY_MS + HOUR_MS, narrow).answer).toEqual(inSession('s9'))
    expect(reduceSession(old, start('s9'), NOON + 2 * DAY_MS + HOUR_MS - 1, narrow).answer).toEqual({ as: 'nothing' })
  })

  test('a background run forgets nothing, as it may never be counted', () => {
    const pending = reduceSession(uses(0), startInBackground(), NOON + 5 * DAY_MS, narrow).session
    expect(pending.past).toHaveLength(1)
    expect(reduceSession(pending, start('s9'), NOON + DAY_MS, narrow).answer).toEqual(inSession('s9'))
  })

  test('expiring a session forgets nothing', () => {
    const open = reduceSession(uses(0), start('s1'), NOON + DAY_MS, narrow).session
    expect(expireSession(open, NOON + 100 * DAY_MS, narrow).session.past).toBe(open.past)
  })
})
