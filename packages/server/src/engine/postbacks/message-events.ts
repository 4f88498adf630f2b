import { MESSAGE_CHANNELS, type MessageChannel } from '@damson/core/protocol'

/** What is known of a message that an event is about. */
export interface KnownMessage {
  /** `null`: one that no postback tells of. */
  readonly channel: MessageChannel | null
  /** Of an in-app message, the name of its template. */
  readonly template: string
}

/** The events that trigger postbacks, by channel. @source documented: specification 8.9 */
const EVENTS: Readonly<Record<MessageChannel, readonly string[]>> = {
  'Push Notification': ['Send', 'Open', 'Held Back'],
  Email: [
    'Send',
    'Deferred',
    'Delivered',
    'Bounce',
    'Open',
    'Click',
    'Marked as spam',
    'Dropped',
    'Unsubscribe',
    'Held Back',
  ],
  'In-app Message': ['View', 'Held Back'],
}

/** What people do with in-app messages, by template. */
const TEMPLATE_EVENTS: Readonly<Record<string, readonly string[]>> = {
  'Center Popup': ['Accept'],
  Confirm: ['Accept'],
  Interstitial: ['Accept'],
  'Rich interstitial': ['Select Button 1', 'Select Button 2'],
  'Satisfaction Survey': ['Submit'],
  Banner: ['Select'],
}

/** Other spellings of what is meant. @source documented: specification 8.9 lists `Sent`, and its example is `Send` */
const SYNONYMS: Readonly<Record<string, string>> = { sent: 'Send' }

export interface MessageEvent {
  /** As `{{Message event}}` has it. */
  readonly event: string
  /** The channels it may have happened on: one if the message is known, or the event tells; none: no postback. */
  readonly channels: readonly MessageChannel[]
}

/**
 * What a tracked message event is for postbacks. The empty one is a Send, or the View of an in-app message.
 * @source assumed: that the event tells the channel of a message we know nothing of
 */
export function messageEvent(
  tracked: string,
  message: KnownMessage | null,
  wanted: readonly MessageChannel[],
): MessageEvent {
  const candidates = message === null ? MESSAGE_CHANNELS : message.channel === null ? [] : [message.channel]
  if (tracked === '') {
    const isView = candidates.every((channel) => channel === 'In-app Message' || !wanted.includes(channel))
    return eventOn(isView ? 'View' : 'Send', candidates, message)
  }
  return eventOn(SYNONYMS[tracked.toLowerCase()] ?? tracked, candidates, message)
}

function eventOn(tracked: string, candidates: readonly MessageChannel[], message: KnownMessage | null): MessageEvent {
  const found = candidates.flatMap((channel) => {
    const spelled = eventsOf(channel, message).find((event) => event.toLowerCase() === tracked.toLowerCase())
    return spelled === undefined ? [] : [{ channel, spelled }]
  })
  return { event: found[0]?.spelled ?? tracked, channels: found.map(({ channel }) => channel) }
}

/** Of a template nobody has documented, and of one that is not known, everything that any of them may do. */
function eventsOf(channel: MessageChannel, message: KnownMessage | null): readonly string[] {
  if (channel !== 'In-app Message') return EVENTS[channel]
  const own = message !== null && Object.hasOwn(TEMPLATE_EVENTS, message.template) && TEMPLATE_EVENTS[message.template]
  return [...EVENTS[channel], ...(own || Object.values(TEMPLATE_EVENTS).flat())]
}
