import type { EpochMs } from '../clock.ts'
import type { Params } from '../client/action.ts'

/** What a page may say. `at` is by the page's clock. */
export type BeaconMessage =
  | { readonly type: 'pause' | 'resume' | 'heartbeat' | 'stop'; readonly at?: EpochMs }
  | { readonly type: 'track'; readonly event: string; readonly params?: Params; readonly at?: EpochMs }

/** `null` for anything a page may not say. Fields we do not know are left behind. */
export function readBeacon(body: string, allowEvents: readonly string[]): BeaconMessage | null {
  const message = parse(body)
  if (typeof message !== 'object' || message === null) return null
  const { type, at, event, params } = message as Readonly<Record<string, unknown>>
  const time = at === undefined ? {} : { at: at as EpochMs }
  if (at !== undefined && !Number.isSafeInteger(at)) return null
  if (type === 'pause' || type === 'resume' || type === 'heartbeat' || type === 'stop') return { type, ...time }
  if (type !== 'track' || typeof event !== 'string' || !allowEvents.includes(event)) return null
  if (params === undefined) return { type, event, ...time }
  return isParams(params) ? { type, event, params, ...time } : null
}

function isParams(value: unknown): value is Params {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((each) => ['string', 'number', 'boolean'].includes(typeof each))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
