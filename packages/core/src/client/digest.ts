import { DAY_MS } from '../clock.ts'
import { MAX_BATCH_ACTIONS } from '../protocol/limits.ts'
import { reqIdOf, type QueuedAction, type Trouble } from './action.ts'
import { phaseOf } from './circuit.ts'
import type { Batch, Core } from './core.ts'
import { deliver, drop } from './ledger.ts'
import { land, setAside } from './queue.ts'
import { waitAfter } from './retry.ts'
import { noticeOf, type Verdict } from './transport.ts'

/** An action that failed alone with status 500 this often no longer holds up the others of its profile. */
const STRIKES_MAX = 5

/** Texts of an element that pass (specification 2.3), and those among them that speak of the element itself. */
const PASSES = /concurrent|rate limit|^Too Many|^Internal|try again/i
const BROKE_THE_SERVER = /^Internal/

/**
 * Turns the verdict on a request into the fate of each of its actions: delivered, dropped, or back into the queue.
 * @param length how many actions that are.
 * @param failures those of the circuit when the request left.
 */
export function digest(core: Core, batch: Batch, length: number, failures: number, verdict: Verdict): void {
  const { kind, status, detail, elements = [], retryAfterMs } = verdict
  const now = core.clock.now()
  const isOver = kind === 'refused' || (kind === 'split' && length === 1)
  const attempts = Math.max(...batch.map(({ lane }) => lane.attempts)) + 1
  let waitMs = kind === 'answered' ? waitAfter(attempts, core) : 0
  if (kind === 'failed') {
    if (failures === core.failures) core.failures += 1
    waitMs = retryAfterMs || waitAfter(Math.max(core.failures, attempts), core)
    if (retryAfterMs || phaseOf(core, now) !== 'closed') core.pausedUntil = Math.max(core.pausedUntil, now + waitMs)
  } else core.failures = core.pausedUntil = 0
  if (kind !== 'answered') core.tell(isOver ? 'error' : 'warn', kind, { ...verdict, waitMs })

  const byId = new Map(elements.map((element) => [element['reqId'], element]))
  let index = 0
  for (const { lane, actions } of batch) {
    /** What must be sent again; all others meet their fate here. */
    const again = actions.filter((action) => {
      // An element is found by its `reqId`, or by its place if the server does not echo one.
      const atPlace = elements[index]
      index += 1
      const element = byId.get(reqIdOf(core, action)) ?? (atPlace?.['reqId'] === undefined ? atPlace : undefined)
      const error = noticeOf(element, 'error')
      if (isOver) return void drop(core, action, status === 413 ? 'tooLarge' : 'refused', detail)
      if (element && !(error && PASSES.test(error))) {
        if (element['success'] && !error) return deliver(core, action, element)
        return void drop(core, action, 'refused', error)
      }
      core.counts.retried += 1
      // What goes again has waited long enough for company.
      core.dueAt = 0
      const trouble = troubleOf(action)
      trouble.firstTriedAt ||= now
      // 502, 503 and 504 say that nobody is there; 500 that something in the request may have broken the server.
      const isSuspect = kind === 'split' || status === 500
      if (isSuspect) trouble.room = length >> 1 || 1
      if ((isSuspect && length === 1) || (error && BROKE_THE_SERVER.test(error))) trouble.strikes += 1
      if (trouble.isDeleted) return void drop(core, action, 'deleted')
      // The server remembers a `reqId` this long (specification 2.4); what may be forgotten may not be sent again.
      if (now - trouble.firstTriedAt >= DAY_MS) return void drop(core, action, 'expired')
      if (trouble.strikes < STRIKES_MAX || !lane.keys.length) return true
      return setAside(core, action, now + waitMs)
    })
    land(core, lane, again, again.length && kind !== 'split' ? now + waitMs : 0)
  }
}

/** What is known of its failures; from the first time it is asked for, the action carries it. */
export function troubleOf(action: QueuedAction): Trouble {
  return (action.trouble ??= { room: MAX_BATCH_ACTIONS, strikes: 0, firstTriedAt: 0, isDeleted: false })
}
