import type { MirroredSession } from '../session/outline.ts'
import type { Fate, Params } from './action.ts'
import type { Admission, Origin } from './admission.ts'
import type {
  ActionOptions,
  AdvanceOptions,
  Answer,
  Attributes,
  DeleteUserArguments,
  DeviceAttributes,
  GetVarsArguments,
  NewsfeedFields,
  PresenceOptions,
  SendMessageArguments,
  SendMessageFields,
  StartArguments,
  TrackOptions,
  TrafficSource,
  UserAttributeArguments,
  VarsFields,
} from './arguments.ts'
import type { Consent } from './consent.ts'
import type { TrackRest } from './events.ts'
import { noticeOf } from './transport.ts'

/**
 * One identity's handle on the client, made by `client.for()`. Cheap enough for one per request, which is why it is a class:
 * its methods exist once. Each method resolves once the client has accepted the action; none rejects, except under
 * `overflow: 'reject'`. Objects handed over belong to the client until they are sent: do not change them.
 */
export class Tracker<E extends object = Record<string, Params>> {
  readonly #admission: Admission
  readonly #origin: Origin

  /** Use `client.for()`. */
  constructor(admission: Admission, origin: Origin) {
    this.#admission = admission
    this.#origin = origin
  }

  get userId(): string | undefined {
    return this.#origin.subject.userId
  }

  get deviceId(): string | undefined {
    return this.#origin.subject.deviceId
  }

  /** The session as far as this client knows; `null` if it knows nothing. The server is the truth. */
  get session(): MirroredSession | null {
    return this.#admission.session(this.#origin)
  }

  get consent(): Consent {
    return this.#origin.consent
  }

  /** `granted` releases what was kept, `denied` drops it. */
  setConsent(consent: Consent): void {
    this.#admission.decide(this.#origin, consent)
  }

  /** Tracks one occurrence of an event. Opens a session first where none is known, unless `passive`. */
  track<N extends keyof E & string>(event: N, ...rest: TrackRest<E[N], TrackOptions>): Promise<void>
  track(event: string, params?: Params, options?: TrackOptions): Promise<void> {
    return this.#send('track', options && argsOf(options), options, event, params)
  }

  start(args?: StartArguments, options?: ActionOptions): Promise<void> {
    return this.#send('start', args, options)
  }

  stop(options?: ActionOptions): Promise<void> {
    return this.#send('stop', undefined, options)
  }

  pauseSession(options?: ActionOptions): Promise<void> {
    return this.#send('pauseSession', undefined, options)
  }

  resumeSession(options?: ActionOptions): Promise<void> {
    return this.#send('resumeSession', undefined, options)
  }

  /**
   * The user is here: where no session is known to be open, one is opened, or the one another process opened is joined, as an
   * event would. An open session gets a `heartbeat` if it had no activity for five minutes, a paused one stays paused, unless
   * `resume` says otherwise. Call it as often as you like.
   */
  ensureSession(options?: PresenceOptions): Promise<void> {
    return this.#admission.ensureSession(this.#origin, options)
  }

  /** The user is present. Sent only when the session would otherwise near its time-out; call it as often as you like. */
  heartbeat(): Promise<void> {
    return this.#admission.heartbeat(this.#origin)
  }

  /** Enters a part of the app; the empty name leaves the present one. */
  advance(state: string, params?: Params, options?: AdvanceOptions): Promise<void> {
    return this.#send('advance', options && argsOf(options), options, state, params)
  }

  pauseState(options?: ActionOptions): Promise<void> {
    return this.#send('pauseState', undefined, options)
  }

  resumeState(options?: ActionOptions): Promise<void> {
    return this.#send('resumeState', undefined, options)
  }

  /** Only the attributes named change; `null` clears one. */
  setUserAttributes(userAttributes: Attributes, args?: UserAttributeArguments, options?: ActionOptions): Promise<void> {
    return this.#send('setUserAttributes', { userAttributes, ...args }, options)
  }

  setDeviceAttributes(attributes: DeviceAttributes, options?: ActionOptions): Promise<void> {
    return this.#send('setDeviceAttributes', attributes, options)
  }

  setTrafficSourceInfo(trafficSource: TrafficSource, options?: ActionOptions): Promise<void> {
    return this.#send('setTrafficSourceInfo', { trafficSource }, options)
  }

  /** The user's variables, after everything tracked before. */
  getVars(args?: GetVarsArguments): Promise<Answer<VarsFields>> {
    return this.#ask('getVars', args)
  }

  getNewsfeedMessages(): Promise<Answer<NewsfeedFields>> {
    return this.#ask('getNewsfeedMessages')
  }

  markNewsfeedMessageAsRead(newsfeedMessageId: string): Promise<void> {
    return this.#send('markNewsfeedMessageAsRead', { newsfeedMessageId })
  }

  deleteNewsfeedMessage(newsfeedMessageId: string): Promise<void> {
    return this.#send('deleteNewsfeedMessage', { newsfeedMessageId })
  }

  sendMessage(messageId: number | string, args?: SendMessageArguments): Promise<Answer<SendMessageFields>> {
    return this.#ask('sendMessage', { messageId, ...args })
  }

  /**
   * Deletes the profile, here and on the server: drops what waits for it in this client, in memory and in its outbox, and
   * then asks for `deleteUser`, for which the client needs a development key.
   */
  async deleteUser(args?: DeleteUserArguments): Promise<Answer<object>> {
    await this.forget()
    return this.#ask('deleteUser', args)
  }

  /**
   * The half of it that concerns this process: drops what waits for the profile as `deleted`, and sends none of it again.
   * Resolves when nothing is under way or on the disk; then have the profile deleted by whoever holds the key.
   */
  forget(): Promise<void> {
    return this.#admission.forget(this.#origin)
  }

  #send(action: string, args?: object, options?: ActionOptions, name?: string, params?: Params): Promise<void> {
    return this.#admission.submit(this.#origin, action, { name, params, args }, options)
  }

  #ask<Fields>(action: string, args?: object): Promise<Answer<Fields>> {
    return new Promise((resolve) => {
      const settle = (fate: Fate) => resolve(answerOf<Fields>(fate))
      // Whether it was accepted is part of the answer: a full queue under `reject` settles it as dropped.
      this.#admission.submit(this.#origin, action, { args }, { urgent: true }, settle).catch(() => undefined)
    })
  }
}

function argsOf({ time: _time, urgent: _urgent, ...args }: ActionOptions): object {
  return args
}

/** The server's fields as it sent them: typed by the specification, and absent if it left them out. */
function answerOf<Fields>(fate: Fate): Answer<Fields> {
  if (!fate.delivered) return fate
  const { success: _success, warning: _warning, reqId: _reqId, ...fields } = fate.element
  return { ...(fields as Partial<Fields>), delivered: true, warning: noticeOf(fate.element, 'warning') }
}
