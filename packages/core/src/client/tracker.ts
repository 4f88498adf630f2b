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
 * One identity's handle on the client, made by `client.for()`, cheap enough for one per request. Each method resolves once the
 * client has accepted the action; none rejects, except under `overflow: 'reject'`. Objects handed over belong to the client
 * until they are sent: do not change them.
 */
export interface Tracker<E extends object = Record<string, Params>> {
  readonly userId: string | undefined
  readonly deviceId: string | undefined
  /** The session as far as this client knows; `null` if it knows nothing. The server is the truth. */
  readonly session: MirroredSession | null
  readonly consent: Consent
  /** `granted` releases what was kept, `denied` drops it. */
  setConsent(consent: Consent): void
  /** Tracks one occurrence of an event. Opens a session first where none is known, unless `passive`. */
  track<N extends keyof E & string>(event: N, ...rest: TrackRest<E[N], TrackOptions>): Promise<void>
  start(args?: StartArguments, options?: ActionOptions): Promise<void>
  stop(options?: ActionOptions): Promise<void>
  pauseSession(options?: ActionOptions): Promise<void>
  resumeSession(options?: ActionOptions): Promise<void>
  /**
   * The user is here: where no session is known to be open, one is opened, or the one another process opened is joined, as an
   * event would. An open session gets a `heartbeat` if it had no activity for five minutes, a paused one stays paused, unless
   * `resume` says otherwise. Call it as often as you like.
   */
  ensureSession(options?: PresenceOptions): Promise<void>
  /** The user is present. Sent only when the session would otherwise near its time-out; call it as often as you like. */
  heartbeat(): Promise<void>
  /** Enters a part of the app; the empty name leaves the present one. */
  advance(state: string, params?: Params, options?: AdvanceOptions): Promise<void>
  pauseState(options?: ActionOptions): Promise<void>
  resumeState(options?: ActionOptions): Promise<void>
  /** Only the attributes named change; `null` clears one. */
  setUserAttributes(userAttributes: Attributes, args?: UserAttributeArguments, options?: ActionOptions): Promise<void>
  setDeviceAttributes(attributes: DeviceAttributes, options?: ActionOptions): Promise<void>
  setTrafficSourceInfo(trafficSource: TrafficSource, options?: ActionOptions): Promise<void>
  /** The user's variables, after everything tracked before. */
  getVars(args?: GetVarsArguments): Promise<Answer<VarsFields>>
  getNewsfeedMessages(): Promise<Answer<NewsfeedFields>>
  markNewsfeedMessageAsRead(newsfeedMessageId: string): Promise<void>
  deleteNewsfeedMessage(newsfeedMessageId: string): Promise<void>
  sendMessage(messageId: number | string, args?: SendMessageArguments): Promise<Answer<SendMessageFields>>
  /**
   * Deletes the profile, here and on the server: drops what waits for it in this client, in memory and in its outbox, and
   * then asks for `deleteUser`, for which the client needs a development key.
   */
  deleteUser(args?: DeleteUserArguments): Promise<Answer<object>>
  /**
   * The half of it that concerns this process: drops what waits for the profile as `deleted`, and sends none of it again.
   * Resolves when nothing is under way or on the disk; then have the profile deleted by whoever holds the key.
   */
  forget(): Promise<void>
}

/** How trackers are made: a tracker is the origin of its actions, and has its methods from one object that all share. */
export function createTrackers({ submit, session, decide, heartbeat, ensureSession, forget }: Admission) {
  const methods: Omit<Tracker, keyof Origin | 'userId' | 'deviceId'> & ThisType<Tracker & Origin> = {
    get session() {
      return session(this)
    },
    setConsent(consent) {
      decide(this, consent)
    },
    track(name, params?: Params, options?: TrackOptions) {
      return submit(this, 'track', { name, params, args: options && argsOf(options) }, options)
    },
    start(args, options) {
      return submit(this, 'start', { args }, options)
    },
    stop(options) {
      return submit(this, 'stop', {}, options)
    },
    pauseSession(options) {
      return submit(this, 'pauseSession', {}, options)
    },
    resumeSession(options) {
      return submit(this, 'resumeSession', {}, options)
    },
    ensureSession(options) {
      return ensureSession(this, options)
    },
    heartbeat() {
      return heartbeat(this)
    },
    advance(name, params, options) {
      return submit(this, 'advance', { name, params, args: options && argsOf(options) }, options)
    },
    pauseState(options) {
      return submit(this, 'pauseState', {}, options)
    },
    resumeState(options) {
      return submit(this, 'resumeState', {}, options)
    },
    setUserAttributes(userAttributes, args, options) {
      return submit(this, 'setUserAttributes', { args: { userAttributes, ...args } }, options)
    },
    setDeviceAttributes(args, options) {
      return submit(this, 'setDeviceAttributes', { args }, options)
    },
    setTrafficSourceInfo(trafficSource, options) {
      return submit(this, 'setTrafficSourceInfo', { args: { trafficSource } }, options)
    },
    getVars(args) {
      return ask(this, 'getVars', args)
    },
    getNewsfeedMessages() {
      return ask(this, 'getNewsfeedMessages')
    },
    markNewsfeedMessageAsRead(newsfeedMessageId) {
      return submit(this, 'markNewsfeedMessageAsRead', { args: { newsfeedMessageId } })
    },
    deleteNewsfeedMessage(newsfeedMessageId) {
      return submit(this, 'deleteNewsfeedMessage', { args: { newsfeedMessageId } })
    },
    sendMessage(messageId, args) {
      return ask(this, 'sendMessage', { messageId, ...args })
    },
    async deleteUser(args) {
      await forget(this)
      return ask(this, 'deleteUser', args)
    },
    forget() {
      return forget(this)
    },
  }

  function ask<Fields>(origin: Origin, action: string, args?: object): Promise<Answer<Fields>> {
    return new Promise((resolve) => {
      const settle = (fate: Fate) => resolve(answerOf<Fields>(fate))
      // Whether it was accepted is part of the answer: a full queue under `reject` settles it as dropped.
      submit(origin, action, { args }, { urgent: true }, settle).catch(() => undefined)
    })
  }

  return (origin: Origin) => {
    const { userId, deviceId } = origin.subject
    return Object.assign(Object.create(methods) as Tracker & Origin, { ...origin, userId, deviceId })
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
