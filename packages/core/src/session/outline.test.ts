import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sessionHistories, type HistoryStep } from '../testing/arbitraries.ts'
import type { EpochMs } from '../clock.ts'
import { headDeadline, headOf } from './expire.ts'
import { NO_OUTLINE, phaseAt, reduceOutline, type OutlineCommand, type SessionOutline } from './outline.ts'
import { reduceSession } from './reduce.ts'
import { NO_SESSION, type Session, type SessionCommand } from './session.ts'
import { DEFAULT_SESSION_RULES, type SessionRules } from './timing.ts'

const anyRules = fc.constantFrom<SessionRules>(DEFAULT_SESSION_RULES, {
  ...DEFAULT_SESSION_RULES,
  mergeStartWithinPause: false,
})

function commandOf(command: SessionCommand): OutlineCommand {
  switch (command.type) {
    case 'track':
      return command.disposition === 'passive' ? 'touch' : 'track'
    case 'advance':
    case 'pauseState':
    case 'resumeState':
      return 'track'
    default:
      return command.type
  }
}

/** What both can tell of the session for somebody who looks at `at`. */
function seen(session: Session, at: EpochMs, rules: SessionRules) {
  const head = headOf(session)
  if (head === null || at >= headDeadline(head, rules)) return { phase: 'closed' }
  const { startedAt, lastActivityAt, pausedMs } = head.run
  return { phase: head.phase, startedAt, lastActivityAt, pausedMs }
}

function seenOutline(outline: SessionOutline, at: EpochMs, rules: SessionRules) {
  const phase = phaseAt(outline, at, rules)
  return phase === 'closed' ? { phase } : { ...outline, phase }
}

/** Folds a history both ways and compares after each command, as it is now and as it was at the command's time. */
function compare(history: readonly HistoryStep[], rules: SessionRules): void {
  let session: Session = NO_SESSION
  let outline = NO_OUTLINE
  let latest = 0
  for (const step of history) {
    if ('sweepAt' in step) continue
    latest = Math.max(latest, step.at)
    session = reduceSession(session, step.command, step.at, rules).session
    outline = reduceOutline(outline, commandOf(step.command), step.at, rules)
    for (const at of [latest, step.at]) expect(seenOutline(outline, at, rules)).toEqual(seen(session, at, rules))
  }
}

/** Each command no earlier than the one before. */
function inOrder(history: readonly HistoryStep[]): readonly HistoryStep[] {
  let latest = 0
  return history.map((step) => {
    if ('sweepAt' in step) return step
    latest = Math.max(latest, step.at)
    return { ...step, at: latest }
  })
}

test('an outline is what the reducer makes of the session', () => {
  fc.assert(
    fc.property(sessionHistories(fc), anyRules, (history, rules) => compare(inOrder(history), rules)),
    { numRuns: 3_000 },
  )
})

// With them it is not: of a background run that was stopped an outline keeps the end, and the reducer nothing.
test('so it is for what comes out of order, background starts aside', () => {
  const isPlain = (step: HistoryStep) => 'sweepAt' in step || step.command.type !== 'startInBackground'
  fc.assert(
    fc.property(sessionHistories(fc), anyRules, (history, rules) => compare(history.filter(isPlain), rules)),
    { numRuns: 3_000 },
  )
})
