import type { EpochMs } from '@damson/core'
import { chooseLane } from '@damson/core/session'
import { type Draft, tallied } from './draft.ts'
import type { Entry, Params } from './entries.ts'
import type { Services } from './scene.ts'
import { perform } from './story.ts'

/** An event's line while it is put together. */
export type EventEntry = {
  -readonly [K in keyof Extract<Entry, { kind: 'event' }>]: Extract<Entry, { kind: 'event' }>[K]
}

/** Counts an event for the profile, and tells it to the history. */
export function recordEvent(subject: Draft, at: EpochMs, event: EventEntry): void {
  const events = subject.events()
  const before = Object.hasOwn(events, event.name) ? events[event.name] : undefined
  events[event.name] = tallied(before, at, event.value)
  subject.edit().eventCount += 1
  if (before === undefined) event.firstAfterMs = Math.max(0, at - subject.profile.createdAt)
  subject.entries.push(event)
}

/** Where something that the server did to a user has its place. */
export interface Moment {
  readonly at: EpochMs
  /** The device it concerns; `null`: whichever is in use. */
  readonly deviceId: string | null
  readonly services: Pick<Services, 'ids' | 'rules'>
}

export interface MessageEventDetails {
  readonly info?: string
  readonly params?: Params
}

/**
 * Records what became of a message, as an event that the user did not cause: `.m<ID>` when it was sent, `.m<ID> <event>`
 * for all else (specification 7.2). It prolongs no session.
 */
export function recordMessageEvent(
  draft: Draft,
  messageId: number,
  event: string,
  moment: Moment,
  details: MessageEventDetails = {},
): void {
  const { at, deviceId, services } = moment
  const { ids, rules } = services
  const lane = chooseLane(draft.profile.sessions, deviceId, 'track', at, rules)
  const command = { type: 'track', disposition: 'passive', offlineId: ids.peek() } as const
  const { answer } = perform(draft, lane, command, at, rules)
  if (answer.as !== 'session' && answer.as !== 'offline')
    throw new Error(`Expected a passive event to have a place, and it has none: ${answer.as}.`)
  if (answer.as === 'offline' && answer.recordId === ids.peek()) ids.take()
  const entry: EventEntry = {
    kind: 'event',
    at,
    record: answer.as === 'session' ? answer.sessionId : answer.recordId,
    name: event === '' ? `.m${messageId}` : `.m${messageId} ${event}`,
  }
  if (answer.as === 'session' && answer.stateId !== null) entry.stateId = answer.stateId
  if (details.info !== undefined) entry.info = details.info
  if (details.params !== undefined) entry.params = details.params
  recordEvent(draft, at, entry)
}
