import { DAY_MS, type EpochMs } from '../clock.ts'
import { MAX_BATCH_ACTIONS } from '../protocol/limits.ts'
import type { QueuedAction, Trouble, WireElement } from './action.ts'
import type { Circuit } from './circuit.ts'
import type { Ledger } from './ledger.ts'
import type { Settings } from './options.ts'
import type { Batch, Lane, Queue } from './queue.ts'
import { waitAfter } from './retry.ts'
import { errorOf, type Verdict } from './transport.ts'

/** An action that failed alone with status 500 this often no longer holds up the others of its profile. */
const STRIKES_MAX = 5

/** The server remembers a `reqId` this long (specification 2.4); what may be forgotten may not be sent again. */
const RETRY_AGE_MS = DAY_MS

/** Texts of an element that pass (specification 2.3), and those among them that speak of the element itself. */
const PASSES = /concurrent requests to the same profile|rate limit|^Too Many Requests|^Internal|try again/i
const BROKE_THE_SERVER = /^Internal/

/** A batch on its way: what of it could be written as JSON, and under which ids. */
export interface Flight {
  readonly batch: Batch
  readonly actions: readonly QueuedAction[]
  readonly ids: readonly string[]
  /** The circuit's round when it left. */
  readonly round: number
}

/**
 * Turns the verdict on a request into the fate of each of its actions: delivered, dropped, or back into the queue.
 * @returns a function that tells whether any went back.
 */
export function createDigest(settings: Settings, queue: Queue, circuit: Circuit, ledger: Ledger) {
  const { backoff, random, logger, explain } = settings

  return function digest(flight: Flight, verdict: Verdict, now: EpochMs): boolean {
    const again = new Set<QueuedAction>()
    let notBefore: EpochMs | null = null
    if (verdict.kind === 'failed') {
      for (const action of flight.actions) again.add(action)
      const failures = Math.max(circuit.failed(flight.round), attemptsOf(flight.batch) + 1)
      notBefore = now + (verdict.retryAfterMs ?? waitAfter(failures, backoff, random))
      if (verdict.retryAfterMs !== null || circuit.phase(now) !== 'closed') circuit.pauseUntil(notBefore)
      logger.warn('damson: request failed, will be sent again', { ...verdict, waitMs: notBefore - now })
    } else {
      circuit.succeeded()
      if (verdict.kind === 'answered') readElements(flight, verdict.elements, again)
      else readRefusal(flight, verdict, again)
      if (verdict.kind === 'answered' && again.size > 0) {
        notBefore = now + waitAfter(attemptsOf(flight.batch) + 1, backoff, random)
      }
    }
    if (again.size > 0) rememberTrouble(flight, verdict, again, now)
    for (const { lane, actions } of flight.batch.chunks) land(lane, actions, again, notBefore, now)
    return again.size > 0
  }

  /** Each element is found by its `reqId`, or by its place if the server does not echo one. */
  function readElements(flight: Flight, elements: readonly WireElement[], again: Set<QueuedAction>): void {
    let byId: Map<unknown, WireElement> | null = null
    flight.actions.forEach((action, index) => {
      const id = flight.ids[index]
      let element = elements[index]
      if (element === undefined || (element['reqId'] !== undefined && element['reqId'] !== id)) {
        byId ??= new Map(elements.map((each) => [each['reqId'], each]))
        element = byId.get(id)
      }
      const error = errorOf(element)
      if (element === undefined || (error !== null && PASSES.test(error))) {
        again.add(action)
        if (error !== null && BROKE_THE_SERVER.test(error)) troubleOf(action).strikes += 1
      } else if (error !== null || element['success'] !== true)
        ledger.drop(action, 'refused', error ?? 'success is not true')
      else ledger.deliver(action, element)
    })
  }

  function readRefusal(
    flight: Flight,
    verdict: Extract<Verdict, { kind: 'split' | 'refused' }>,
    again: Set<QueuedAction>,
  ): void {
    const canSplit = verdict.kind === 'split' && flight.actions.length > 1
    if (!canSplit) logger.error('damson: refused by the server', { ...verdict, actions: flight.actions.length })
    for (const action of flight.actions) {
      if (canSplit) again.add(action)
      else ledger.drop(action, verdict.status === 413 ? 'tooLarge' : 'refused', verdict.detail)
    }
  }

  function rememberTrouble(flight: Flight, verdict: Verdict, again: ReadonlySet<QueuedAction>, now: EpochMs): void {
    // 502, 503 and 504 say that nobody is there; 500 that something in the request may have broken the server.
    const isSuspect = verdict.kind === 'split' || (verdict.kind === 'failed' && verdict.status === 500)
    const room = isSuspect ? Math.max(1, flight.actions.length >> 1) : MAX_BATCH_ACTIONS
    for (const action of again) {
      const trouble = troubleOf(action)
      trouble.firstTriedAt ||= now
      trouble.room = Math.min(trouble.room, room)
      if (isSuspect && flight.actions.length === 1) trouble.strikes += 1
    }
    ledger.counts.retried += again.size
  }

  function land(
    lane: Lane,
    actions: readonly QueuedAction[],
    again: ReadonlySet<QueuedAction>,
    notBefore: EpochMs | null,
    now: EpochMs,
  ): void {
    const rest: QueuedAction[] = []
    for (const action of actions) {
      if (!again.has(action) || action.trouble === null) continue
      if (now - action.trouble.firstTriedAt >= RETRY_AGE_MS) ledger.drop(action, 'expired', 'tried for 24 hours')
      else if (action.trouble.strikes >= STRIKES_MAX && !lane.isAside) {
        explain?.('set aside', { action: action.action, name: action.name })
        queue.setAside(action, notBefore ?? now)
      } else rest.push(action)
    }
    queue.land(lane, rest, rest.length > 0 ? notBefore : null)
  }
}

function troubleOf(action: QueuedAction): Trouble {
  return (action.trouble ??= { room: MAX_BATCH_ACTIONS, strikes: 0, firstTriedAt: 0 })
}

function attemptsOf(batch: Batch): number {
  return batch.chunks.reduce((most, { lane }) => Math.max(most, lane.attempts), 0)
}
