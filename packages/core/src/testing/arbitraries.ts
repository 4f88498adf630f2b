import type fastCheck from 'fast-check'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type EpochMs } from '../clock.ts'
import type { RawArgs } from '../protocol/raw-args.ts'
import { SESSION_INACTIVITY_MS, SESSION_PAUSED_MS, type SessionCommand } from '../session/index.ts'

/** fast-check itself, handed in: whoever needs the fake clock alone need not have it installed. */
type FastCheck = Pick<typeof fastCheck, 'array' | 'nat'>

/** A command with its effective event time, or a sweep at the server's own time. */
export type HistoryStep = { readonly command: SessionCommand; readonly at: EpochMs } | { readonly sweepAt: EpochMs }

/** The first instant of every history. */
export const HISTORY_START: EpochMs = Date.UTC(2024, 0, 1)

/** What comes up more than once keeps sessions alive long enough to meet the rest. */
const COMMANDS: readonly ((id: string) => SessionCommand)[] = [
  (id) => ({ type: 'start', id }),
  (id) => ({ type: 'track', disposition: 'active', offlineId: `o${id}` }),
  () => ({ type: 'pause' }),
  (id) => ({ type: 'resume', id }),
  (id) => ({ type: 'advance', state: 'Menu', stateId: `t${id}`, offlineId: `o${id}` }),
  (id) => ({ type: 'start', id }),
  () => ({ type: 'heartbeat' }),
  () => ({ type: 'stop' }),
  () => ({ type: 'pause' }),
  (id) => ({ type: 'resume', id }),
  (id) => ({ type: 'advance', state: 'Game', stateId: `t${id}`, offlineId: `o${id}` }),
  (id) => ({ type: 'advance', state: '', stateId: `t${id}`, offlineId: `o${id}` }),
  () => ({ type: 'pauseState' }),
  () => ({ type: 'resumeState' }),
  (id) => ({ type: 'startInBackground', id }),
  (id) => ({ type: 'track', disposition: 'passive', offlineId: `o${id}` }),
  (id) => ({ type: 'track', disposition: 'requireActive', offlineId: `o${id}` }),
  () => ({ type: 'stop', reason: 'switch' }),
  () => ({ type: 'touch' }),
]

/** Steps of time: half of them sit on the limits of the rules or right beside them, the others stay within a session. */
const FORWARD_MS = [
  0,
  1,
  MINUTE_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  5 * MINUTE_MS,
  SESSION_PAUSED_MS - 1,
  SESSION_PAUSED_MS,
  SESSION_PAUSED_MS + 1,
  SESSION_INACTIVITY_MS - 1,
  SESSION_INACTIVITY_MS,
  SESSION_INACTIVITY_MS + 1,
  DAY_MS,
]
const BACK_MS = [1, 5 * MINUTE_MS, SESSION_PAUSED_MS, SESSION_INACTIVITY_MS, 3 * HOUR_MS, 9 * DAY_MS]
/** From the command before, however late that was: this makes batches that come late as a whole. */
const FOLLOW_MS = [1, 5 * MINUTE_MS, 5 * MINUTE_MS, SESSION_PAUSED_MS, SESSION_INACTIVITY_MS - 1, SESSION_INACTIVITY_MS]
const LAG_MS = [0, 1, SESSION_PAUSED_MS, SESSION_INACTIVITY_MS]
const TIMES = FORWARD_MS.length + FOLLOW_MS.length + BACK_MS.length
const STEPS = COMMANDS.length * TIMES * 2 * LAG_MS.length * 2 * 5 * 3

/**
 * Histories of one lane: commands in and out of order, with sweeps between them whose time only ever grows and is never
 * behind an event that has arrived. One number makes one command, which keeps a hundred thousand histories cheap.
 */
export function sessionHistories(fc: FastCheck, maxCommands = 24): fastCheck.Arbitrary<readonly HistoryStep[]> {
  return fc.array(fc.nat(STEPS - 1), { maxLength: maxCommands, size: 'max' }).map(toHistory)
}

/** Wire actions of one user and one device, oldest call first; `time` is the event time in UNIX seconds. */
export function wireHistories(fc: FastCheck, maxActions = 24): fastCheck.Arbitrary<readonly RawArgs[]> {
  return sessionHistories(fc, maxActions).map((history) => history.flatMap(toWire))
}

function toHistory(codes: readonly number[]): readonly HistoryStep[] {
  const steps: HistoryStep[] = []
  const instants: EpochMs[] = []
  let latest = HISTORY_START
  let serverNow = latest
  codes.forEach((code, index) => {
    const digit = digitsOf(code)
    const command = pick(COMMANDS, digit)(String(index))
    const timeCode = digit(TIMES)
    const isSwept = digit(2) === 1
    const lagMs = pick(LAG_MS, digit)
    let at = eventTime(timeCode, latest, instants.at(-1) ?? latest)
    // Half of what goes back lies exactly at an instant at which something happened, or a millisecond beside it.
    if (timeCode >= FORWARD_MS.length + FOLLOW_MS.length && digit(2) === 1)
      at = (instants[digit(5) * 5] ?? at) + digit(3) - 1
    instants.push(at)
    latest = Math.max(latest, at)
    serverNow = Math.max(serverNow, at)
    steps.push({ command, at })
    if (isSwept) steps.push({ sweepAt: (serverNow += lagMs) })
  })
  return steps
}

function eventTime(timeCode: number, latest: EpochMs, previous: EpochMs): EpochMs {
  const followCode = timeCode - FORWARD_MS.length
  const forwardMs = FORWARD_MS[timeCode]
  if (forwardMs !== undefined) return latest + forwardMs
  const followMs = FOLLOW_MS[followCode]
  return followMs !== undefined ? previous + followMs : latest - (BACK_MS[followCode - FOLLOW_MS.length] ?? 0)
}

/** Takes one number apart: each call gives a number below `base`, and uses it up. */
function digitsOf(code: number): (base: number) => number {
  let rest = code
  return (base) => {
    const digit = rest % base
    rest = Math.trunc(rest / base)
    return digit
  }
}

function pick<T>(from: readonly T[], digit: (base: number) => number): T {
  const picked = from[digit(from.length)]
  if (picked === undefined) throw new Error('There is nothing to pick from.')
  return picked
}

function toWire(step: HistoryStep): readonly RawArgs[] {
  if ('sweepAt' in step) return []
  const time = step.at / SECOND_MS
  const { command } = step
  switch (command.type) {
    case 'start':
      return [{ action: 'start', time }]
    case 'startInBackground':
      return [{ action: 'start', background: true, time }]
    case 'pause':
      return [{ action: 'pauseSession', time }]
    case 'resume':
      return [{ action: 'resumeSession', time }]
    case 'heartbeat':
    case 'stop':
    case 'pauseState':
    case 'resumeState':
      return [{ action: command.type, time }]
    case 'track':
      return [{ action: 'track', event: 'Purchase', disposition: command.disposition, time }]
    case 'advance':
      return [{ action: 'advance', state: command.state, time }]
    case 'touch':
      return [{ action: 'setUserAttributes', userAttributes: { level: 1 }, time }]
  }
}
