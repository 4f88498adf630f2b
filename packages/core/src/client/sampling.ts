import type { BeforeSend } from './before-send.ts'

export interface SampleOptions {
  /** The share to keep, from 0 to 1. */
  readonly rate: number
  /** Events to sample; all others are kept. Default: every event. */
  readonly events?: readonly string[]
}

/**
 * Keeps the events of a share of users, always the same users, in every process: their sessions stay whole. The rate is
 * recorded as the parameter `sampleRate`, so that counts can be scaled up again. Only `track` is sampled.
 */
export function sample({ rate, events }: SampleOptions): BeforeSend {
  return (draft) => {
    if (draft.action !== 'track' || (events !== undefined && !events.includes(draft.name ?? ''))) return draft
    if (shareOf(draft.userId ?? draft.deviceId ?? '') >= rate) return { drop: 'sampled' }
    return { ...draft, params: { ...draft.params, sampleRate: rate } }
  }
}

/** FNV-1a with a final mix, as a number from 0 up to but not including 1. */
function shareOf(id: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  // Ids that differ in their last digit only would lie side by side without it.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
