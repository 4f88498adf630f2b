import { createHash } from 'node:crypto'
import { DAY_MS, type EpochMs, SECOND_MS } from '@damson/core'
import { MAX_BATCH_ACTIONS, MAX_ID_LENGTH, type Outcome } from '@damson/core/protocol'
import type { Engine } from '../engine/perform.ts'
import type { Hit } from './access-log.ts'
import type { TestClock } from './test-clock.ts'

/** How many hits are sorted by visitor at a time, and how far apart in time they may be. */
const WINDOW_HITS = 5_000
const WINDOW_SPAN_MS = 30 * DAY_MS
/** Visitors whose hits are under way at once: enough for their turns to share commits. */
const CONCURRENT_VISITORS = 256
/** Longer values would each earn a warning (specification 7.1). */
const VALUE_LENGTH = 139

export interface Replay {
  readonly engine: Engine
  /** Stands at the time of the log, so that the engine takes the time of a hit as it is (specification 5.2). */
  readonly clock: TestClock
  readonly appId: string
  readonly clientKey: string
}

/**
 * Plays hits, oldest first, to the engine as if each had been tracked when it happened: `track` within a session, and
 * where there is none, `start` before it. What is a session, and when it ends, the engine alone decides. Gives, from time
 * to time, how many hits were played so far.
 */
export async function* feed(hits: AsyncIterable<Hit>, replay: Replay): AsyncGenerator<number> {
  let window: Hit[] = []
  let played = 0
  for await (const hit of hits) {
    const [first] = window
    if (first !== undefined && (window.length === WINDOW_HITS || hit.at - first.at > WINDOW_SPAN_MS)) {
      await playWindow(window, replay)
      yield (played += window.length)
      window = []
    }
    window.push(hit)
  }
  await playWindow(window, replay)
  yield played + window.length
}

/** Who a hit is counted for: an address with a user agent. */
export function visitorOf({ address, userAgent }: Hit): string {
  const visitor = `${address} ${userAgent}`
  if (visitor.length <= MAX_ID_LENGTH) return visitor
  const digest = createHash('sha256').update(visitor).digest('hex').slice(0, 16)
  return `${visitor.slice(0, MAX_ID_LENGTH - digest.length - 1)} ${digest}`
}

async function playWindow(window: readonly Hit[], replay: Replay): Promise<void> {
  const last = window.at(-1)
  if (last === undefined) return
  replay.clock.moveTo(last.at)
  const visitors = byVisitor(window).entries()
  const worker = async () => {
    for (const [visitor, hits] of visitors) await playVisitor(visitor, hits, replay)
  }
  await Promise.all(Array.from({ length: CONCURRENT_VISITORS }, worker))
}

/**
 * One visitor's hits in order, many to a call. Outside a session the engine ignores a `track` that requires one, and so
 * all that follow it in the call: from there on they are sent once more, behind a `start`.
 */
async function playVisitor(visitor: string, hits: readonly Hit[], replay: Replay): Promise<void> {
  let rest: readonly Hit[] = hits
  let isStarting = false
  while (rest.length > 0) {
    const batch: readonly Hit[] = rest.slice(0, MAX_BATCH_ACTIONS - 1)
    const [first] = batch
    const start: readonly object[] = isStarting && first !== undefined ? [startAction(visitor, first.at)] : []
    const outcomes = await multi([...start, ...batch.map((hit) => trackAction(visitor, hit))], replay)
    const ignored: number = outcomes.slice(start.length).findIndex((outcome) => outcome.ignored)
    if (isStarting && ignored === 0)
      throw new Error(`Expected a session for '${visitor}' that takes events; found none.`)
    rest = rest.slice(ignored < 0 ? batch.length : ignored)
    isStarting = ignored >= 0
  }
}

async function multi(
  data: readonly object[],
  { engine, clock, appId, clientKey }: Replay,
): Promise<readonly Outcome[]> {
  const outer = { action: 'multi', appId, clientKey, time: clock.now() / SECOND_MS, data }
  const { elements } = await engine.perform({ outer }, { address: null, acceptLanguage: null })
  const outcomes = elements.map(({ outcome }) => outcome)
  const failed = outcomes.find(({ success }) => !success)
  if (failed !== undefined) throw new Error(`Expected the engine to take every hit; it said: ${failed.error}`)
  return outcomes
}

function startAction(userId: string, at: EpochMs): object {
  return { action: 'start', userId, time: at / SECOND_MS }
}

function trackAction(userId: string, { at, method, path, status, bytes, referrer }: Hit): object {
  const params = {
    ...(method !== '' && { method }),
    path: path.slice(0, VALUE_LENGTH),
    status,
    bytes,
    ...(referrer !== '' && { referrer: referrer.slice(0, VALUE_LENGTH) }),
  }
  return { action: 'track', userId, event: 'hit', disposition: 'requireActive', time: at / SECOND_MS, params }
}

function byVisitor(hits: readonly Hit[]): Map<string, Hit[]> {
  const visitors = new Map<string, Hit[]>()
  for (const hit of hits) {
    const visitor = visitorOf(hit)
    const own = visitors.get(visitor)
    if (own === undefined) visitors.set(visitor, [hit])
    else own.push(hit)
  }
  return visitors
}
