import { type ArgsOf, done, DONE_OFFLINE, failed, type Outcome, warned } from '@damson/core/protocol'
import type { Disposition, SessionAnswer } from '@damson/core/session'
import type { Params } from '../entries.ts'
import { type EventEntry, recordEvent } from '../occurrence.ts'
import { contentWarning, keepParams, noting } from '../params.ts'
import type { Cast, Decide, Scene } from '../scene.ts'
import { inLane } from './sessions.ts'

/** `track` (specification 8.3): one occurrence of an event. */
export const track: Decide<'track'> = (cast, args, scene) => {
  const disposition = args.disposition ?? (args.allowOffline === true ? 'passive' : 'active')
  return occur(cast, args, disposition, scene)
}

/** Crossing the border of a region: nothing the user did (specification 8.15). */
export const trackGeofence: Decide<'trackGeofence'> = (cast, args, scene) => occur(cast, args, 'passive', scene)

type PlacedAnswer = Extract<SessionAnswer, { as: 'session' | 'offline' }>

type Occurrence = Pick<ArgsOf<'track'>, 'event' | 'value' | 'info' | 'params' | 'messageId' | 'currencyCode'>

function occur(cast: Cast, args: Occurrence, disposition: Disposition, scene: Scene): Outcome {
  const name = eventName(args.event, args.messageId)
  if (name === '__proto__') return failed('INVALID_ARGUMENT', { name: 'event' })
  const { ids } = scene.services
  const { answer } = inLane(cast, { type: 'track', disposition, offlineId: ids.peek() }, scene)
  if (answer.as === 'noSession' || answer.as === 'nothing') return IGNORED
  if (answer.as === 'offline' && answer.recordId === ids.peek()) ids.take()

  const kept = keepParams(args.params)
  const { value, params, warning } = inPreferredCurrency(args.value ?? 0, kept.params, args.currencyCode, scene)
  const own = args.messageId === undefined ? contentWarning('event', name, kept, cast, scene) : null
  // Written out, and not spread from parts: this is the one line of history that there are a thousand of a second.
  const event: EventEntry = { kind: 'event', at: scene.at, record: recordOf(answer), name }
  if (answer.as === 'session' && answer.stateId !== null) event.stateId = answer.stateId
  if (args.value !== undefined) event.value = value
  if (args.info !== undefined) event.info = args.info
  if (params !== undefined) event.params = params
  recordEvent(cast.subject, scene.at, event)
  return noting(answer.as === 'offline' ? DONE_OFFLINE : done(), own ?? warning)
}

/** `advance` (specification 8.4): enters a state; the empty name leaves the current one. */
export const advance: Decide<'advance'> = (cast, { state, info, params }, scene) => {
  if (state === '__proto__') return failed('INVALID_ARGUMENT', { name: 'state' })
  const { ids } = scene.services
  const kept = keepParams(params)
  const command = { type: 'advance', state, stateId: ids.take(), offlineId: ids.take() } as const
  const { answer } = inLane(cast, command, scene, {
    ...(info !== undefined && { info }),
    ...(kept.params !== undefined && { params: kept.params }),
  })
  return noting(answer.as === 'offline' ? DONE_OFFLINE : done(), contentWarning('state', state, kept, cast, scene))
}

/** A `requireActive` event without a session: marked, so that clients need not read texts (specification 6.5). */
const IGNORED: Outcome = { ...warned('NO_ACTIVE_SESSION'), ignored: true }

/** The name under which it is kept; what concerns a message carries the message's id (specification 7.2). */
function eventName(event: string | undefined, messageId: number | undefined): string {
  if (messageId === undefined) return event ?? ''
  return event ? `.m${messageId} ${event}` : `.m${messageId}`
}

function recordOf(answer: PlacedAnswer): string {
  return answer.as === 'session' ? answer.sessionId : answer.recordId
}

/** Converts a value that came with a currency code, and keeps what it was as two parameters (specification 7.3). */
function inPreferredCurrency(
  amount: number,
  params: Params | undefined,
  currencyCode: string | undefined,
  { app, services }: Scene,
): { value: number; params: Params | undefined; warning: Outcome | null } {
  if (currencyCode === undefined) return { value: amount, params, warning: null }
  const localCurrency = currencyCode.toUpperCase()
  const converted = services.money.convert(amount, localCurrency, app.settings.preferredCurrency)
  return {
    value: converted?.value ?? amount,
    params: { ...params, localPrice: amount, localCurrency },
    warning: converted === null ? warned('UNKNOWN_CURRENCY', { code: localCurrency }) : null,
  }
}
