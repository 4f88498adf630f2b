import type { EpochMs } from '@damson/core'
import type { Entry, Params } from '../entries.ts'

/** Something that happened and that others may want to hear of. */
export type Occasion =
  | { readonly type: 'message'; readonly messageId: number; readonly event: string; readonly params: Params }
  | { readonly type: 'abTest'; readonly testId: number; readonly variantId: number }
  | {
      readonly type: 'event'
      readonly name: string
      readonly value?: number
      readonly info?: string
      readonly params: Params
    }
  | { readonly type: 'sessionStarted'; readonly sessionId: string }
  | {
      readonly type: 'sessionEnded'
      readonly sessionId: string
      readonly startedAt: EpochMs
      readonly durationMs: number
      readonly reason: string
    }

/** `.m<ID>` or `.m<ID> <event>`, the names of what concerns messages (specification 7.2). */
const MESSAGE_NAME = /^\.m(-?\d{1,16})(?: (.*))?$/s

/** What a line of history is to the outside; `null`: nothing. */
export function occasionOf(entry: Entry): Occasion | null {
  switch (entry.kind) {
    case 'event': {
      const { name, value, info, params = {} } = entry
      const [, messageId, event = ''] = MESSAGE_NAME.exec(name) ?? []
      if (messageId !== undefined) return { type: 'message', messageId: Number(messageId), event, params }
      return { type: 'event', name, params, ...(value !== undefined && { value }), ...(info !== undefined && { info }) }
    }
    case 'variantEntered':
      return { type: 'abTest', testId: entry.testId, variantId: entry.variantId }
    // One that began in the background is a session once it is counted.
    case 'sessionStarted':
      return entry.counted ? { type: 'sessionStarted', sessionId: entry.record } : null
    case 'sessionCounted':
      return { type: 'sessionStarted', sessionId: entry.record }
    case 'sessionEnded': {
      const { record: sessionId, startedAt, durationMs, reason } = entry
      return { type: 'sessionEnded', sessionId, startedAt, durationMs, reason }
    }
    default:
      return null
  }
}
