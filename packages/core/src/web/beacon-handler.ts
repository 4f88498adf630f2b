import { DAY_MS, systemClock, type Clock, type EpochMs } from '../clock.ts'
import type { Client, TrackerOptions } from '../client/client.ts'
import type { Tracker } from '../client/tracker.ts'
import { readBeacon, type BeaconMessage } from './beacon-message.ts'
import type { HeaderSource } from './headers.ts'
import { isSameOrigin } from './same-origin.ts'
import type { Visitor } from './visitors.ts'

export interface BeaconRequest extends TrackerOptions {
  readonly method: string
  readonly headers: HeaderSource
  readonly body: string
  readonly visitor: Visitor | null
  /** Of the signed-in user, as the server knows it: the page is never asked who it is. */
  readonly userId: string | null | undefined
  /** The host the page was asked for, if a proxy changed the `Host` header. */
  readonly host?: string | null | undefined
}

export interface BeaconResponse {
  readonly status: 204 | 400 | 403 | 405 | 413
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface BeaconHandlerOptions<E extends object> {
  readonly client: Client<E>
  /** The events a page may track by itself. None without it: whatever comes from a page can be made up. */
  readonly allowEvents?: readonly string[] | undefined
  readonly onError?: ((error: unknown) => void) | undefined
  readonly clock?: Clock | undefined
}

/** A beacon is some fifty bytes. */
export const MAX_BEACON_BYTES = 2_048

/**
 * Answers the beacon of `@damson/core/beacon`. Resolves once the client has accepted the message, which takes no request;
 * never rejects: trouble goes to `onError`, and the page is told nothing it could act on.
 */
export function createBeaconHandler<E extends object>({
  client,
  allowEvents = [],
  onError,
  clock = systemClock,
}: BeaconHandlerOptions<E>): (request: BeaconRequest) => Promise<BeaconResponse> {
  return async function handle({ method, headers, body, visitor, userId, host, ...options }) {
    if (method !== 'POST') return answer(405, { allow: 'POST' })
    if (!isSameOrigin({ headers, host })) return answer(403)
    if (isTooLong(body)) return answer(413)
    const message = readBeacon(body, allowEvents)
    if (message === null) return answer(400)
    try {
      const identity = { userId: userId ?? undefined, deviceId: visitor?.deviceId }
      // A page loaded before there was a cookie: nobody to tell it of, and nothing wrong.
      if (identity.userId !== undefined || identity.deviceId !== undefined)
        await carryOut(client.for(identity, options), message, clock.now())
    } catch (error) {
      onError?.(error)
    }
    return answer(204)
  }
}

async function carryOut<E extends object>(tracker: Tracker<E>, message: BeaconMessage, now: EpochMs): Promise<void> {
  const time = timeOf(message.at, now)
  // At once: the next message may come to another process, and must not overtake this one.
  const options = time === null ? URGENT : { ...URGENT, time }
  switch (message.type) {
    // Both are sent whatever we believe: another process may have been told of the last change.
    case 'pause':
      return tracker.pauseSession(options)
    case 'resume':
      return isKnownOpen(tracker) ? tracker.resumeSession(options) : tracker.ensureSession(URGENT)
    case 'heartbeat':
      // The page is visible: if its `resume` got lost, or was overtaken by the `pause` before it, this puts it right.
      return tracker.ensureSession({ resume: true })
    case 'stop':
      return tracker.stop(options)
    case 'track':
      // The contract's check of names and parameters runs in the client, as for every event.
      return (tracker as unknown as Tracker).track(message.event, message.params)
  }
}

const URGENT = { urgent: true }

/** Opening a session is left to `ensureSession`, which also creates the user. */
function isKnownOpen({ session }: Pick<Tracker, 'session'>): boolean {
  return session !== null && session.phase !== 'closed'
}

/** How far back a page may say something happened: a laptop that slept tells when it wakes. */
const MAX_AGE_MS = DAY_MS

/** `null` stands for now: a page's clock may be wrong, and is believed only where it says something possible. */
function timeOf(at: EpochMs | undefined, now: EpochMs): EpochMs | null {
  return at === undefined || at >= now || at < now - MAX_AGE_MS ? null : at
}

function isTooLong(body: string): boolean {
  return body.length > MAX_BEACON_BYTES || new TextEncoder().encode(body).length > MAX_BEACON_BYTES
}

function answer(status: BeaconResponse['status'], headers: Readonly<Record<string, string>> = {}): BeaconResponse {
  return { status, headers: { 'cache-control': 'no-store', ...headers }, body: '' }
}
