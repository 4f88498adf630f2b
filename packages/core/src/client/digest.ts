import { DAY_MS, type EpochMs } from '../clock.ts'
import { MAX_BATCH_ACTIONS } from '../protocol/limits.ts'
import type { QueuedAction, Trouble } from './action.ts'
import { phaseOf, type Circuit } from './circuit.ts'
import type { Ledger } from './ledger.ts'
import type { Settings } from './options.ts'
import type { Batch, Queue } from './queue.ts'
import { waitAfter } from './retry.ts'
import { noticeOf, type Verdict } from './transport.ts'

/** An action that failed alone with status 500 this often no longer holds up the others of its profile. */
const STRIKES_MAX = 5

/** The server remembers a `reqId` this long (specification 2.4); what may be forgotten may not be sent again. */
const RETRY_AGE_MS = DAY_MS

/** Texts of an element that pass (specification 2.3), and those among them that speak of the element itself. */
const PASSES = /concurrent requests|rate limit|^Too Many Requests|^Internal|try again/i
const BROKE_THE_SERVER = /^Internal/

/** A batch on its way. */
export interface Flight {
  readonly batch: Batch
  /** What of it could be written as JSON. */
  readonly actions: readonly QueuedAction[]
  /** The circuit's when it left. */
  readonly failures: number
}

/**
 * Turns the verdict on a request into the fate of each of its actions: delivered, dropped, or back into the queue.
 * @returns a function that tells whether any went back.
 */
export function createDigest(
  { backoff, random, tell }: Settings,
  queue: Queue,
  circuit: Circuit,
  { counts, deliver, drop }: Ledger,
  reqIdOf: (action: QueuedAction) => string,
) {
  return ({ batch, actions, failures }: Flight, verdict: Verdict, now: EpochMs): boolean => {
    const { kind, status, detail, elements } = verdict
    const { length } = actions
    const byId = new Map(elements.map((element) => [element['reqId'], element]))
    const again = new Set(actions.filter(isLeft))

    /** Whether it must be sent again; all others meet their fate here. */
    function isLeft(action: QueuedAction, index: number): boolean {
      if (kind !== 'answered') {
        const isOver = kind === 'refused' || (kind === 'split' && length === 1)
        if (isOver) void drop(action, status === 413 ? 'tooLarge' : 'refused', detail)
        return !isOver
      }
      // An element is found by its `reqId`, or by its place if the server does not echo one.
      const atPlace = elements[index]
      const element = byId.get(reqIdOf(action)) ?? (atPlace?.['reqId'] === undefined ? atPlace : undefined)
      const error = noticeOf(element, 'error')
      if (error && BROKE_THE_SERVER.test(error)) troubleOf(action).strikes += 1
      if (!element || (error && PASSES.test(error))) return true
      if (element['success'] === true && !error) deliver(action, element)
      else void drop(action, 'refused', error ?? 'no success')
      return false
    }

    const attempts = Math.max(...batch.map(({ lane }) => lane.attempts)) + 1
    let waitMs = kind === 'answered' && again.size ? waitAfter(attempts, backoff, random) : 0
    if (kind === 'failed') {
      if (failures === circuit.failures) circuit.failures += 1
      const asked = verdict.retryAfterMs
      waitMs = asked || waitAfter(Math.max(circuit.failures, attempts), backoff, random)
      if (asked || phaseOf(circuit, now) !== 'closed') circuit.pausedUntil = Math.max(circuit.pausedUntil, now + waitMs)
    } else circuit.failures = circuit.pausedUntil = 0
    if (kind !== 'answered') tell(again.size ? 'warn' : 'error', kind, { ...verdict, waitMs })
    for (const { lane, actions } of batch) {
      const rest = actions.filter((action) => {
        if (!again.has(action)) return false
        const trouble = troubleOf(action)
        trouble.firstTriedAt ||= now
        // 502, 503 and 504 say that nobody is there; 500 that something in the request may have broken the server.
        if (kind === 'split' || status === 500) {
          trouble.room = Math.min(trouble.room, length >> 1 || 1)
          if (length === 1) trouble.strikes += 1
        }
        const isExpired = now - trouble.firstTriedAt >= RETRY_AGE_MS
        if (trouble.isDeleted || isExpired) void drop(action, isExpired ? 'expired' : 'deleted')
        else if (trouble.strikes < STRIKES_MAX || !lane.keys.length) return true
        else {
          tell('debug', 'set aside', { name: action.name })
          queue.setAside(action, now + waitMs)
        }
        return false
      })
      queue.land(lane, rest, rest.length && waitMs && now + waitMs)
    }
    counts.retried += again.size
    return again.size > 0
  }
}

/** What is known of its failures; from the first time it is asked for, the action carries it. */
export function troubleOf(action: QueuedAction): Trouble {
  return (action.trouble ??= { room: MAX_BATCH_ACTIONS, strikes: 0, firstTriedAt: 0, isDeleted: false })
}
