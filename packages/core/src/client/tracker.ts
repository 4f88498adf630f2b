import type { MirroredSession } from '../session/outline.ts'
import type { Fate, Params } from './action.ts'
import { decide, ensureSession, forget, heartbeat, submit, type Origin } from './admission.ts'
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
import { sessionOf } from './mirror.ts'
import { noticeOf } from './transport.ts'

/**
 * One identity's handle on the client, made by `client.for()`. Cheap enough for one per request, which is why it is a class:
 * its methods exist once. Each method resolves once the client has accepted the action; none rejects, except under
 * `overflow: 'reject'`. Objects handed over belong to the client until they are sent: do not change them.
 */
export class Tracker<E extends object = Record<string, Params>> {
  readonly #origin: Origin

  /** Use `client.for()`. */
  constructor(origin: Origin) {
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
    const { core, subject } = this.#origin
    return sessionOf(core, subject.session, core.clock.now())
  }

  get consent(): Consent {
    return this.#origin.consent
  }

  /** `granted` releases what was kept, `denied` drops it. */
  setConsent(consent: Consent): void {
    decide(this.#origin, consent)
  }

  /** Tracks one occurrence of an event. Opens a session first where none is known, unless `passive`. */
  track<N extends keyof E & string>(event: N, ...rest: TrackRest<E[N], TrackOptions>): Promise<void>
  track(event: string, params?: Params, options?: TrackOptions): Promise<void> {
    return submit(this.#origin, 'track', options && argsOf(options), options, event, params)
  }

  start(args?: StartArguments, options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'start', args, options)
  }

  stop(options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'stop', {}, options)
  }

  pauseSession(options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'pauseSession', {}, options)
  }

  resumeSession(options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'resumeSession', {}, options)
  }

  /**
   * The user is here: where no session is known to be open, one is opened, or the one another process opened is joined, as an
   * event would. An open session gets a `heartbeat` if it had no activity for five minutes, a paused one stays paused, unless
   * `resume` says otherwise. Call it as often as you like.
   */
  ensureSession(options?: PresenceOptions): Promise<void> {
    return ensureSession(this.#origin, options)
  }

  /** The user is present. Sent only when the session would otherwise near its time-out; call it as often as you like. */
  heartbeat(): Promise<void> {
    return heartbeat(this.#origin)
  }

  /** Enters a part of the app; the empty name leaves the present one. */
  advance(state: string, params?: Params, options?: AdvanceOptions): Promise<void> {
    return submit(this.#origin, 'advance', options && argsOf(options), options, state, params)
  }

  pauseState(options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'pauseState', {}, options)
  }

  resumeState(options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'resumeState', {}, options)
  }

  /** Only the attributes named change; `null` clears one. */
  setUserAttributes(userAttributes: Attributes, args?: UserAttributeArguments, options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'setUserAttributes', { userAttributes, ...args }, options)
  }

  setDeviceAttributes(attributes: DeviceAttributes, options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'setDeviceAttributes', attributes, options)
  }

  setTrafficSourceInfo(trafficSource: TrafficSource, options?: ActionOptions): Promise<void> {
    return submit(this.#origin, 'setTrafficSourceInfo', { trafficSource }, options)
  }

  /** The user's variables, after everything tracked before. */
  getVars(args?: GetVarsArguments): Promise<Answer<VarsFields>> {
    return ask(this.#origin, 'getVars', args)
  }

  getNewsfeedMessages(): Promise<Answer<NewsfeedFields>> {
    return ask(this.#origin, 'getNewsfeedMessages')
  }

  markNewsfeedMessageAsRead(newsfeedMessageId: string): Promise<void> {
    return submit(this.#origin, 'markNewsfeedMessageAsRead', { newsfeedMessageId })
  }

  deleteNewsfeedMessage(newsfeedMessageId: string): Promise<void> {
    return submit(this.#origin, 'deleteNewsfeedMessage', { newsfeedMessageId })
  }

  sendMessage(messageId: number | string, args?: SendMessageArguments): Promise<Answer<SendMessageFields>> {
    return ask(this.#origin, 'sendMessage', { messageId, ...args })
  }

  /**
   * Deletes the profile, here and on the server: drops what waits for it in this client, in memory and in its outbox, and
   * then asks for `deleteUser`, for which the client needs a development key.
   */
  async deleteUser(args?: DeleteUserArguments): Promise<Answer<object>> {
    await this.forget()
    return ask(this.#origin, 'deleteUser', args)
  }

  /**
   * The half of it that concerns this process: drops what waits for the profile as `deleted`, and sends none of it again.
   * Resolves when nothing is under way or on the disk; then have the profile deleted by whoever holds the key.
   */
  forget(): Promise<void> {
    return forget(this.#origin)
  }
}

function ask<Fields>(origin: Origin, action: string, args?: object): Promise<Answer<Fields>> {
  return new Promise((resolve) => {
    const settle = (fate: Fate) => {
      if (!fate.delivered) return resolve(fate)
      // The server's fields as it sent them: typed by the specification, and absent if it left them out.
      const { success: _success, warning: _warning, reqId: _reqId, ...fields } = fate.element
      const warning = noticeOf(fate.element, 'warning') ?? null
      resolve({ ...(fields as Partial<Fields>), delivered: true, warning })
    }
    // Whether it was accepted is part of the answer: a full queue under `reject` settles it as dropped.
    submit(origin, action, args, { urgent: true }, undefined, undefined, settle).catch(() => undefined)
  })
}

function argsOf({ time: _time, urgent: _urgent, ...args }: ActionOptions): object {
  return args
}
