import { DAY_MS, type EpochMs } from '../clock.ts'
import { MAX_BATCH_ACTIONS } from '../protocol/limits.ts'
import type { QueuedAction, Trouble, WireElement } from './action.ts'
import { phaseOf, type Circuit } from './circuit.ts'
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
export function createDigest({ backoff, random, tell }: Settings, queue: Queue, circuit: Circuit, ledger: Ledger) {
  return function digest(flight: Flight, verdict: Verdict, now: EpochMs): boolean {
    const { actions } = flight
    const again = new Set<QueuedAction>()
    const attempts = Math.max(...flight.batch.chunks.map(({ lane }) => lane.attempts)) + 1
    let notBefore: EpochMs | null = null
    if (verdict.kind === 'failed') {
      for (const action of actions) again.add(action)
      if (flight.round === circuit.round) {
        circuit.failures += 1
        circuit.round += 1
      }
      const waitMs = verdict.retryAfterMs ?? waitAfter(Math.max(circuit.failures, attempts), backoff, random)
      notBefore = now + waitMs
      if (verdict.retryAfterMs !== null || phaseOf(circuit, now) !== 'closed') {
        circuit.pausedUntil = Math.max(circuit.pausedUntil, notBefore)
      }
      tell('warn', 'failed, will be sent again', { ...verdict, waitMs })
    } else {
      circuit.failures = circuit.pausedUntil = 0
      circuit.round += 1
      if (verdict.kind === 'answered') {
        readElements(flight, verdict.elements, again)
        if (again.size > 0) notBefore = now + waitAfter(attempts, backoff, random)
      } else if (verdict.kind === 'split' && actions.length > 1) {
        for (const action of actions) again.add(action)
      } else {
        tell('error', 'refused', verdict)
        const reason = verdict.status === 413 ? 'tooLarge' : 'refused'
        for (const action of actions) ledger.drop(action, reason, verdict.detail)
      }
    }
    rememberTrouble(actions.length, verdict, again, now)
    for (const chunk of flight.batch.chunks) land(chunk.lane, chunk.actions, again, notBefore, now)
    return again.size > 0
  }

  /** Each element is found by its `reqId`, or by its place if the server does not echo one. */
  function readElements({ actions, ids }: Flight, elements: readonly WireElement[], again: Set<QueuedAction>): void {
    let byId: Map<unknown, WireElement> | null = null
    actions.forEach((action, index) => {
      const id = ids[index]
      let element = elements[index]
      if (element === undefined || (element['reqId'] !== undefined && element['reqId'] !== id)) {
        byId ??= new Map(elements.map((each) => [each['reqId'], each]))
        element = byId.get(id)
      }
      const error = errorOf(element)
      if (element === undefined || (error !== null && PASSES.test(error))) {
        again.add(action)
        if (error !== null && BROKE_THE_SERVER.test(error)) troubleOf(action).strikes += 1
      } else if (error === null && element['success'] === true) ledger.deliver(action, element)
      else ledger.drop(action, 'refused', error ?? 'no success')
    })
  }

  function rememberTrouble(count: number, verdict: Verdict, again: ReadonlySet<QueuedAction>, now: EpochMs): void {
    // 502, 503 and 504 say that nobody is there; 500 that something in the request may have broken the server.
    const isSuspect = verdict.kind === 'split' || verdict.status === 500
    for (const action of again) {
      const trouble = troubleOf(action)
      trouble.firstTriedAt ||= now
      if (!isSuspect) continue
      trouble.room = Math.min(trouble.room, Math.max(1, count >> 1))
      if (count === 1) trouble.strikes += 1
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
    const rest = actions.filter((action) => {
      if (!again.has(action)) return false
      const { isDeleted, firstTriedAt, strikes } = troubleOf(action)
      if (isDeleted) ledger.drop(action, 'deleted')
      else if (now - firstTriedAt >= RETRY_AGE_MS) ledger.drop(action, 'expired')
      else if (strikes >= STRIKES_MAX && !lane.isAside) {
        tell('debug', 'set aside', { name: action.name })
        queue.setAside(action, notBefore ?? now)
      } else return true
      return false
    })
    queue.land(lane, rest, rest.length > 0 ? notBefore : null)
  }
}

/** What is known of its failures; from the first time it is asked for, the action carries it. */
export function troubleOf(action: QueuedAction): Trouble {
  return (action.trouble ??= { room: MAX_BATCH_ACTIONS, strikes: 0, firstTriedAt: 0, isDeleted: false })
}
