import { type Clock, type EpochMs, SECOND_MS } from '@damson/core'
import { z } from 'zod'
import type { PlainRequest, PlainResponse } from '../http/plain.ts'
import type { Answer } from '../http/answer.ts'
import { json, refusal, refuse } from '../http/responses.ts'

/**
 * A clock that stands still until it is moved, to any instant: a suite that runs recorded exchanges, each at an instant of
 * its own, sets it back for the next one.
 */
export interface TestClock extends Clock {
  moveTo(now: EpochMs): void
}

export function createTestClock(now: EpochMs): TestClock {
  let current = now
  return {
    now: () => current,
    moveTo(next) {
      current = next
    },
  }
}

/** A thousand years: further than any test, and still an exact number of milliseconds. */
const FURTHEST_SECONDS = 1_000 * 365 * 24 * 3_600
const seconds = z.number().min(-FURTHEST_SECONDS).max(FURTHEST_SECONDS)
const move = z.union([z.strictObject({ advanceSeconds: seconds }), z.strictObject({ set: seconds })])
const USAGE = 'Expected {"advanceSeconds":n} or {"set":unixSeconds}.'

/**
 * Adds `POST /test-clock` to an answer. After the clock has moved, what is overdue is ended and what is due is sent before
 * the answer goes out, so that whoever moved it finds everything as if the time had passed.
 */
export function withTestClock(answer: Answer, clock: TestClock, catchUp: () => Promise<void>): Answer {
  async function moved(request: PlainRequest): Promise<PlainResponse> {
    if (request.method !== 'POST') return refuse(refusal(405, `Method not allowed. ${USAGE}`), { Allow: 'POST' })
    const parsed = move.safeParse(parseJson(request.body))
    if (!parsed.success) return refuse(refusal(400, USAGE))
    const now = clock.now()
    const next = 'set' in parsed.data ? parsed.data.set * SECOND_MS : now + parsed.data.advanceSeconds * SECOND_MS
    clock.moveTo(Math.round(next))
    await catchUp()
    return json(200, JSON.stringify({ now: clock.now() / SECOND_MS }))
  }

  return (request) => (/(^|\/)test-clock\/?$/.test(request.path) ? moved(request) : answer(request))
}

/** `undefined` is no move: what cannot be read is refused with the others. */
function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    return undefined
  }
}
