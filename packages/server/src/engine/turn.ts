import type { EpochMs } from '@damson/core'
import {
  type ActionDefinition,
  type ActionName,
  type Common,
  DONE,
  type Outcome,
  warned,
  failed,
} from '@damson/core/protocol'
import type { Upload } from '../content/files.ts'
import type { Change, Loaded, Turn } from '../store/store.ts'
import type { App } from './app.ts'
import { content, type ContentWish, startContent } from './content.ts'
import { setDevice } from './devices.ts'
import { Draft, emptyProfile } from './draft.ts'
import type { TimeWarning } from './effective-time.ts'
import { contentKind } from '../content/snapshot.ts'
import { handlers, isBlockable, type ProfileHandler, whenUnknown } from './handlers/index.ts'
import type { Triggers } from '../content/messages/compile.ts'
import { joined, react, UNWATCHED, watch } from './messages/react.ts'
import { messageSceneOf } from './messages/scene.ts'
import type { NameKind, Names } from './names.ts'
import { noting } from './params.ts'
import type { Caller } from './perform.ts'
import type { Cast, Scene, Services } from './scene.ts'
import { answerOf, answerText, isMadeAnew } from './seen.ts'
import { sendingsOf } from './sendings.ts'
import { nextDeadline } from './story.ts'

/** One action that has passed every check that needs no profile. */
export interface Item {
  /** Its place in the response. */
  readonly index: number
  readonly name: ActionName
  readonly definition: ActionDefinition
  readonly args: unknown
  readonly common: Common
  readonly at: EpochMs
  readonly timeWarning: TimeWarning | null
  /** Under which it is remembered, if it carries a `reqId` (specification 2.4). */
  readonly seenKey: string | null
}

/** What does not differ between the actions of one request. */
export interface Setting {
  readonly app: App
  readonly names: Names
  readonly services: Services
  readonly caller: Caller
  readonly uploads: readonly Upload[]
  readonly now: EpochMs
}

export interface Decision {
  /** One for each item, in their order. */
  readonly outcomes: readonly Outcome[]
  readonly newNames: Cast['newNames']
  /** Whether there is something to be sent out. */
  readonly sends: boolean
}

/**
 * Decides all actions of one request that concern one profile, in order, as one turn. Pure: the same items on the same
 * profile decide the same, so a store may run it again.
 */
export function decideTurn(items: readonly Item[], loaded: Loaded, setting: Setting): Turn<Decision> {
  const { rules } = setting.services
  const turn = new OpenTurn(loaded, setting)
  const outcomes = items.map((item) => turn.play(item))
  const { cast, seen } = turn
  const { newNames } = turn
  if (cast === null) return { answer: { outcomes, newNames, sends: false } }

  const deviceId = items[0]?.common.deviceId ?? null
  const sending = { appId: setting.app.appId, services: setting.services, now: setting.now, deviceId }
  const deliveries = cast.fate === 'stays' ? sendingsOf(cast.subject, sending) : []
  const otherDeliveries = cast.other?.isChanged ? sendingsOf(cast.other, sending) : []
  const subject = changeOf(cast, loaded.subject !== null)
  const other = cast.other?.isChanged ? saved(cast.other) : undefined
  return {
    answer: { outcomes, newNames, sends: deliveries.length + otherDeliveries.length > 0 },
    ...(subject !== undefined && { subject }),
    ...(other !== undefined && { other }),
    ...(cast.devices.size > 0 && { devices: Object.fromEntries(cast.devices) }),
    ...(seen.length > 0 && { seen }),
    ...(deliveries.length > 0 && { deliveries }),
    ...(otherDeliveries.length > 0 && { otherDeliveries }),
  }

  function saved(draft: Draft): Change {
    return { profile: draft.profile, wakeAt: nextDeadline(draft.profile, rules), entries: draft.entries }
  }

  function changeOf({ subject: draft, fate }: Cast, existed: boolean): Change | undefined {
    switch (fate) {
      case 'stays':
        return draft.isChanged ? saved(draft) : undefined
      case 'blocked':
        return { profile: draft.profile, wakeAt: null, history: 'erase' }
      default:
        if (!existed) return undefined
        return {
          profile: null,
          wakeAt: null,
          history: fate === 'merged' ? 'move' : fate === 'erased' ? 'erase' : 'keep',
        }
    }
  }
}

type DecideHandler = Extract<ProfileHandler, { kind: 'decide' }>

/** Decides, and then which messages that sets off. */
function watched(triggers: Triggers, handler: DecideHandler, cast: Cast, args: unknown, scene: Scene): Outcome {
  const { subject, other } = cast
  const before = watch(triggers, subject)
  const otherBefore = other === null ? UNWATCHED : watch(triggers, other)
  const outcome = handler.decide(cast, args, scene)
  if (!outcome.success || outcome.ignored === true) return outcome
  const messageScene = messageSceneOf(scene)
  if (cast.fate === 'stays') react(triggers, subject, before, messageScene)
  if (cast.other === null) return outcome
  // Whoever logged in has brought their history along: it has set off what it could.
  const stood = cast.fate === 'merged' ? joined(otherBefore, before, cast.other.entries.length) : otherBefore
  react(triggers, cast.other, stood, messageScene)
  return outcome
}

/** The turn while its items are played. */
class OpenTurn {
  cast: Cast | null
  readonly newNames: [NameKind, string][] = []
  readonly seen: { key: string; answer: string; at: EpochMs }[] = []
  readonly #loaded: Loaded
  readonly #setting: Setting
  /** What sets messages off; `null`: nothing does. */
  readonly #triggers: Triggers | null
  #answers: Map<string, string> | null = null

  constructor(loaded: Loaded, setting: Setting) {
    this.#loaded = loaded
    this.#setting = setting
    this.#triggers = setting.services.catalog.of(setting.app.appId, contentKind).messages.triggers
    this.cast = loaded.subject === null ? null : this.#castOf(new Draft(loaded.subject))
  }

  play(item: Item): Outcome {
    const { name, definition, common, args, at, timeWarning } = item
    const { app, names, services, caller, uploads, now } = this.#setting
    // Written out: spread, this one object takes longer than everything else that is done for an event.
    const scene: Scene = { app, names, services, caller, uploads, now, common, at }
    const before = this.#repeated(item, scene)
    if (before !== undefined) return before

    const handler = handlers[name] as ProfileHandler
    const existing = this.cast
    if (existing === null) {
      const policy = whenUnknown(name, definition, common)
      if (policy === 'skip') return warned('USER_NOT_FOUND')
      if (policy === 'done') return DONE
    } else if (existing.subject.profile.blocked && isBlockable(name)) {
      return failed('PROFILE_BLOCKED')
    }
    const cast = existing ?? this.#create(common, at)
    if (handler.kind === 'query') return handler.query(new Draft(cast.subject.profile), args, scene)

    const isNewDevice = this.#link(cast, common)
    const outcome =
      this.#triggers === null ? handler.decide(cast, args, scene) : watched(this.#triggers, handler, cast, args, scene)
    // Whoever is removed has no devices any more, the one that the request came from included.
    if (cast.fate === 'removed' || cast.fate === 'erased') cast.devices.clear()
    if (!outcome.success) {
      if (isNewDevice) this.#unlink(cast, common)
      return outcome
    }
    this.cast = cast
    const resets = name === 'setUserAttributes' && (args as { resetAnomalies?: boolean }).resetAnomalies === true
    if (common.devMode && !cast.subject.profile.isDeveloper) cast.subject.edit().isDeveloper = true
    if (timeWarning === null || resets) return this.#remember(item, outcome)
    if (!cast.subject.profile.anomalous) cast.subject.edit().anomalous = true
    return this.#remember(item, noting(outcome, warned(timeWarning.code, { days: timeWarning.days })))
  }

  #castOf(subject: Draft): Cast {
    const { other } = this.#loaded
    return {
      subject,
      other: other === null ? null : new Draft(other),
      fate: 'stays',
      devices: new Map(),
      newNames: this.newNames,
    }
  }

  #create(common: Common, at: EpochMs): Cast {
    const userId = common.userId ?? common.deviceId
    if (userId === null) throw new Error('an action without a subject reached its turn')
    const draft = new Draft(emptyProfile(userId, at))
    draft.entries.push({ kind: 'profileCreated', at })
    return this.#castOf(draft)
  }

  /** The device belongs to the user who is on it now (specification 4.2). @returns whether the user is new on it */
  #link(cast: Cast, { deviceId }: Common): boolean {
    if (deviceId === null) return false
    const isNew = !Object.hasOwn(cast.subject.profile.devices, deviceId)
    if (isNew) setDevice(cast.subject, deviceId, {})
    const { deviceUserId, subject } = this.#loaded
    if (deviceUserId === null || deviceUserId !== subject?.userId) cast.devices.set(deviceId, 'subject')
    return isNew
  }

  #unlink(cast: Cast, { deviceId }: Common): void {
    if (deviceId === null) return
    delete cast.subject.devices()[deviceId]
    cast.devices.delete(deviceId)
  }

  /** What was answered to this message before; content is made anew. */
  #repeated({ seenKey, name, args }: Item, scene: Scene): Outcome | undefined {
    if (seenKey === null) return undefined
    const text = this.#answers?.get(seenKey) ?? this.#loaded.seen(seenKey)
    if (text === undefined) return undefined
    const outcome = answerOf(text)
    if (this.cast === null || !isMadeAnew(name)) return outcome
    // Looked at, not written: what it says was written when it was answered first.
    const draft = new Draft(this.cast.subject.profile)
    const fields = (name === 'getVars' ? content : startContent)(draft, scene, args as ContentWish)
    return { ...outcome, fields }
  }

  #remember({ seenKey, at: _, name }: Item, outcome: Outcome): Outcome {
    if (seenKey === null || outcome.ignored) return outcome
    const answer = answerText(outcome, name)
    this.#answers ??= new Map()
    this.#answers.set(seenKey, answer)
    this.seen.push({ key: seenKey, answer, at: this.#setting.now })
    return outcome
  }
}
