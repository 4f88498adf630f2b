import { describe, expect, test } from 'vitest'
import { MINUTE_MS, type EpochMs } from '../clock.ts'
import { chooseLane } from './lanes.ts'
import { expireSession, reduceSession } from './reduce.ts'
import { NO_SESSION, type Session, type SessionCommand } from './session.ts'
import { SESSION_INACTIVITY_MS } from './timing.ts'

const NOON = Date.UTC(2024, 0, 1, 12)
const minute = (minutes: number): EpochMs => NOON + minutes * MINUTE_MS

function after(...steps: readonly (readonly [SessionCommand, number])[]): Session {
  return steps.reduce<Session>(
    (session, [command, at]) => reduceSession(session, command, minute(at)).session,
    NO_SESSION,
  )
}

const activeAt = (minutes: number) => after([{ type: 'start', id: 's' }, minutes])
const pausedAt = (minutes: number) => after([{ type: 'start', id: 's' }, 0], [{ type: 'pause' }, minutes])
const pendingAt = (minutes: number) => after([{ type: 'startInBackground', id: 'b' }, minutes])

describe('the lane of a command', () => {
  test('is that of its device, whatever else is open', () => {
    expect(chooseLane({ phone: activeAt(0) }, 'watch', 'track', minute(1))).toBe('watch')
    expect(chooseLane({}, 'watch', 'start', minute(1))).toBe('watch')
  })

  test('is the one without a device for a start that names none', () => {
    for (const type of ['start', 'startInBackground'] as const)
      expect(chooseLane({ phone: activeAt(0) }, null, type, minute(1))).toBe('')
  })

  test('is the one without a device if nothing is open', () => {
    expect(chooseLane({}, null, 'track', minute(1))).toBe('')
    expect(chooseLane({ phone: NO_SESSION }, null, 'track', minute(1))).toBe('')
  })

  test('is that of the most recently active session', () => {
    const lanes = { phone: activeAt(0), tablet: activeAt(5), watch: activeAt(3) }
    for (const type of ['track', 'advance', 'heartbeat', 'pause', 'resume', 'stop', 'touch'] as const)
      expect(chooseLane(lanes, null, type, minute(6))).toBe('tablet')
  })

  test('does not hang on the order of the lanes', () => {
    expect(chooseLane({ b: activeAt(0), a: activeAt(0) }, null, 'track', minute(1))).toBe('a')
    expect(chooseLane({ a: activeAt(0), b: activeAt(0) }, null, 'track', minute(1))).toBe('a')
  })

  test('is that of an active session for what needs one, even if a pause is more recent', () => {
    const lanes = { phone: activeAt(0), tablet: pausedAt(5) }
    expect(chooseLane(lanes, null, 'track', minute(6))).toBe('phone')
    expect(chooseLane(lanes, null, 'advance', minute(6))).toBe('phone')
    expect(chooseLane(lanes, null, 'resume', minute(6))).toBe('tablet')
  })

  test('is that of a background run only if there is no session', () => {
    expect(chooseLane({ phone: activeAt(0), tablet: pendingAt(5) }, null, 'stop', minute(6))).toBe('phone')
    expect(chooseLane({ tablet: pendingAt(5) }, null, 'resume', minute(6))).toBe('tablet')
  })

  test('is not that of a session that has expired by then, swept or not', () => {
    const open = activeAt(0)
    const swept = expireSession(open, minute(500)).session
    for (const phone of [open, swept]) {
      expect(chooseLane({ phone }, null, 'track', NOON + SESSION_INACTIVITY_MS - 1)).toBe('phone')
      expect(chooseLane({ phone }, null, 'track', NOON + SESSION_INACTIVITY_MS)).toBe('')
    }
  })

  test('is not that of a session that had not begun by then', () => {
    expect(chooseLane({ phone: activeAt(10) }, null, 'track', minute(10))).toBe('phone')
    expect(chooseLane({ phone: activeAt(10) }, null, 'track', minute(9))).toBe('')
  })
})
