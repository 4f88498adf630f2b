import { type Clock, type EpochMs, SECOND_MS } from '@damson/core'
import {
  ACTIONS,
  type ActionDefinition,
  type ActionName,
  type Common,
  DONE,
  done,
  failed,
  INVALID,
  isAbsent,
  isActionName,
  isBatchTooLarge,
  type KeyClass,
  listActions,
  type Outcome,
  parseArgs,
  type RawArgs,
  readCommon,
  readReqId,
  wire,
} from '@damson/core/protocol'
import { DEFAULT_SESSION_RULES, type SessionRules } from '@damson/core/session'
import type { Campaigns } from '../content/campaigns.ts'
import { filesKind, type Upload } from '../content/files.ts'
import { type Plan, planContent } from '../content/plan.ts'
import { contentKind } from '../content/snapshot.ts'
import type { ContentSource } from '../content/source.ts'
import type { Files, Loaded, ProfileRef, Store, Turn } from '../store/store.ts'
import type { App } from './app.ts'
import { Apps, type KnownApp } from './apps.ts'
import { AVAILABILITY_SECONDS } from './available.ts'
import { Catalog, type CatalogKind } from './catalog.ts'
import { chainsOf, newUserIdOf, type Run } from './batch.ts'
import { blankContent, type ContentWish } from './content.ts'
import { type Element, fillIn, type Play, playChain } from './elements.ts'
import { DevLimit } from './dev-limit.ts'
import { effectiveTime, sendingTime } from './effective-time.ts'
import { createImport } from './handlers/imports.ts'
import { type AppHandler, handlers } from './handlers/index.ts'
import { IdSource, type Random } from './ids.ts'
import { createOwnTurns, type OwnTurns } from './own-turns.ts'
import type { Caller, Engine, Envelope, Performed } from './perform.ts'
import { findRule, RULE_KINDS } from './postbacks/rules.ts'
import { CHANNELS } from './notification-channels.ts'
import type { AppPorts, Locator, Money, Services, Sealing, Signing } from './scene.ts'
import { seenKey } from './seen.ts'
import { type Decision, decideTurn, type Item, type Setting } from './turn.ts'

export interface EngineOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly money: Money
  readonly locator: Locator
  readonly files: Files
  /** Somebody should look for jobs. */
  readonly wakeJobs?: () => void
  /** Exported data becomes available in steps of this length. */
  readonly availabilityMs?: number
  readonly rules?: SessionRules
  readonly signing?: Signing | null
  readonly sealing?: Sealing | null
  /** There is something new to be sent out. */
  readonly onDeliveries?: () => void
}

/** The engine with what the server around it needs. */
export interface RunningEngine extends Engine, OwnTurns {
  /** Reads the apps and their documents; `perform` does so by itself if nobody did. */
  load(): Promise<void>
  /**
   * Makes an app's content what was written down, or says what is wrong with it and changes nothing.
   * @param by who says so, for `details` of `getAbTest`
   */
  applyContent(appId: string, content: ContentSource, by?: string): Promise<Plan>
  /** Takes over apps and documents that another process changed. */
  refresh(): Promise<void>
  apps(): readonly App[]
  saveApp(app: App): Promise<void>
  /** Carries out actions of an import with the rights of the development key. */
  performImport(appId: string, actions: readonly RawArgs[]): Promise<Performed>
  /** The campaigns of an app, as this process knows them. */
  campaignsOf(appId: string): Campaigns
  /** The rule that something is sent out for; `null` if it was deleted since. */
  ruleOf(appId: string, kind: string, id: number): ReturnType<typeof findRule>
  /** Resolves when nothing is left to be written. */
  drain(): Promise<void>
}

const CREATE_JOB = wire.boolean()
const EXACT_TIME = wire.boolean()
const NO_ARGS: RawArgs = {}
/** Who asks for what an import does. */
const NOBODY: Caller = { address: null, acceptLanguage: null }
const NO_UPLOADS: readonly Upload[] = []

export function createEngine(options: EngineOptions): RunningEngine {
  const engine = new TheEngine(options)
  return Object.assign(engine, engine.ownTurns())
}

/** A request that may go on: who asks, with which rights. */
interface Grant {
  readonly known: KnownApp
  readonly clientKey: unknown
  readonly keyClass: KeyClass
}

/** It goes no further: this is its outcome. */
interface Refused {
  readonly outcome: Outcome
}

/** It concerns no profile, and is being answered. */
interface Asked {
  readonly asked: Outcome | Promise<Outcome>
}

/** What came of looking at one action: it may be decided, is being answered, or its outcome stands. */
type Looked = { readonly item: Item } | Asked | Refused

/** The kinds of documents that deciders look at. */
const CATALOG_KINDS: readonly CatalogKind<unknown>[] = [contentKind, filesKind, CHANNELS, ...RULE_KINDS]

class TheEngine implements Omit<RunningEngine, keyof OwnTurns> {
  readonly #store: Store
  readonly #clock: Clock
  readonly #services: Services
  readonly #apps: Apps
  readonly #ports: AppPorts
  readonly #devLimit = new DevLimit()
  readonly #onDeliveries: () => void

  constructor(options: EngineOptions) {
    const {
      store,
      clock,
      random,
      money,
      locator,
      files,
      rules = DEFAULT_SESSION_RULES,
      signing = null,
      sealing = null,
    } = options
    const { wakeJobs = () => undefined, availabilityMs = AVAILABILITY_SECONDS * SECOND_MS } = options
    const catalog = new Catalog(store, CATALOG_KINDS)
    this.#store = store
    this.#clock = clock
    this.#apps = new Apps(store)
    const token = (): string => Buffer.from(random.bytes(32)).toString('base64url')
    this.#services = { ids: new IdSource(random), money, locator, rules, token, catalog }
    this.#ports = { store, files, catalog, wakeJobs, availabilityMs, signing, sealing }
    this.#onDeliveries = options.onDeliveries ?? (() => {})
  }

  async load(): Promise<void> {
    await Promise.all([this.#apps.load(), this.#ports.catalog.refresh()])
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#apps.refresh(), this.#ports.catalog.refresh()])
  }

  apps(): readonly App[] {
    return this.#apps.all()
  }

  saveApp(app: App): Promise<void> {
    return this.#apps.save(app)
  }

  ruleOf(appId: string, kind: string, id: number): ReturnType<typeof findRule> {
    return findRule(this.#services.catalog, this.#store, appId, kind, id)
  }

  campaignsOf(appId: string): Campaigns {
    return this.#services.catalog.of(appId, contentKind).campaigns
  }

  async drain(): Promise<void> {
    await this.#apps.settled()
  }

  ownTurns(): OwnTurns {
    return createOwnTurns({
      store: this.#store,
      clock: this.#clock,
      services: this.#services,
      onDeliveries: this.#onDeliveries,
      prepare: async () => {
        if (!this.#apps.isLoaded) await this.load()
      },
    })
  }

  perform(envelope: Envelope, caller: Caller): Promise<Performed> {
    if (!this.#apps.isLoaded) return this.load().then(() => this.perform(envelope, caller))
    const { outer, uploads = NO_UPLOADS } = envelope
    // No async function here and below: with nothing to wait for but the store, its promise is the only one needed.
    const begun = this.#begin(outer, caller, uploads, this.#clock.now())
    return 'outcome' in begun ? Promise.resolve(alone(begun.outcome, outer)) : begun.performed
  }

  /** The checks of specification 3.2 in their order, then the actions. */
  #begin(
    outer: RawArgs,
    caller: Caller,
    uploads: readonly Upload[],
    now: EpochMs,
  ): Refused | { readonly performed: Promise<Performed> } {
    const { action } = outer
    if (isAbsent(action)) return refused(failed('MISSING_ARGUMENT', { name: 'action' }))
    if (!isActionName(action)) return refused(failed('UNKNOWN_ACTION', { name: String(action) }))
    const grant = this.#grant(outer, now)
    if ('outcome' in grant) return grant
    const row: ActionDefinition = ACTIONS[action]
    const read = readCommon(outer)
    if (!row.keys.includes(grant.keyClass)) return refused(failed('INVALID_ACCESS_KEY'))
    if (!read.ok) return refused(failed('INVALID_ARGUMENT', { name: read.invalid }))
    const setting = { app: grant.known.app, names: grant.known.names, services: this.#services, caller, uploads, now }
    if (action === 'multi') return this.#batch(outer, read.common, grant, setting)

    const limited = this.#limitDevelopment(read.common, grant, now)
    if (limited !== null) return refused(limited)
    const looked = this.#look(0, action, row, outer, read.common, grant.keyClass, null, setting)
    if ('outcome' in looked) return looked
    if ('asked' in looked) return { performed: Promise.resolve(looked.asked).then((outcome) => alone(outcome, outer)) }
    return { performed: this.#play([looked.item], grant, setting).then(([outcome]) => alone(outcome!, outer)) }
  }

  applyContent(appId: string, content: ContentSource, by?: string): Promise<Plan> {
    return this.#ports.catalog.change<Plan>(appId, contentKind, (set) => {
      const plan = planContent(content, set, this.#clock.now(), by)
      return plan.ok ? { answer: plan, put: plan.put } : { answer: plan }
    })
  }

  #grant(outer: RawArgs, now: EpochMs): Grant | Refused {
    const { appId, clientKey } = outer
    if (isAbsent(appId)) return { outcome: failed('MISSING_ARGUMENT', { name: 'appId' }) }
    const known = this.#apps.get(String(appId))
    const keyClass = isAbsent(clientKey) ? null : this.#apps.authorize(known, String(clientKey), now)
    if (known === undefined) return { outcome: failed('APP_NOT_FOUND') }
    if (isAbsent(clientKey)) return { outcome: failed('MISSING_ARGUMENT', { name: 'clientKey' }) }
    if (keyClass === null) return { outcome: failed('INVALID_ACCESS_KEY') }
    return { known, clientKey, keyClass }
  }

  /** Nothing is left of the actions once they are decided: of a long batch that waits for its commit, only the answers. */
  #batch(outer: RawArgs, common: Common, grant: Grant, setting: Setting): Refused | { performed: Promise<Performed> } {
    // A job is another thing than a batch: running it at once would look like one and have no job id.
    const isJob = isAbsent(outer.createJob) ? false : CREATE_JOB.coerce(outer.createJob)
    if (isJob === INVALID) return refused(failed('INVALID_ARGUMENT', { name: 'createJob' }))
    if (isJob) {
      if (grant.keyClass !== 'development') return refused(failed('INVALID_ACCESS_KEY'))
      return { performed: createImport(outer, setting, this.#ports).then((outcome) => alone(outcome, outer)) }
    }
    const list = listActions(outer)
    if (!list.ok) return refused(list.outcome)
    const { actions } = list
    const limited = this.#limitDevelopment(developerOf(common, actions, grant.keyClass), grant, setting.now)
    if (limited !== null) return refused(limited)
    if (isBatchTooLarge(actions, outer)) return refused(failed('BATCH_TOO_LARGE'))
    const isExact = isAbsent(outer.exactTime) ? false : EXACT_TIME.coerce(outer.exactTime)
    if (isExact === INVALID) return refused(failed('INVALID_ARGUMENT', { name: 'exactTime' }))
    const sentAt = sendingTime(common.time, isExact, setting.now)
    return { performed: this.#playAll(actions, outer, sentAt, grant, setting) }
  }

  performImport(appId: string, actions: readonly RawArgs[]): Promise<Performed> {
    const known = this.#apps.get(appId)
    if (known === undefined) throw new Error(`Expected the app '${appId}' of an import to be there.`)
    const now = this.#clock.now()
    const grant: Grant = { known, clientKey: null, keyClass: 'development' }
    const { app, names } = known
    const setting = { app, names, services: this.#services, caller: NOBODY, uploads: NO_UPLOADS, now }
    return this.#playAll(actions, NO_ARGS, null, grant, setting)
  }

  #playAll(
    actions: readonly RawArgs[],
    outer: RawArgs,
    sentAt: EpochMs | null,
    grant: Grant,
    setting: Setting,
  ): Promise<Performed> {
    const elements = actions.map((raw): Element => ({ outcome: DONE, reqId: readReqId(raw) }))
    const items: Item[] = []
    const played: Promise<void>[] = []
    for (let index = 0; index < actions.length; index++) {
      const looked = this.#lookInside(index, actions[index]!, outer, sentAt, grant, setting)
      if ('item' in looked) items.push(looked.item)
      else if ('asked' in looked) played.push(fillIn(elements[index]!, looked.asked))
      else elements[index]!.outcome = looked.outcome
    }
    const play: Play = (run) => this.#play(run, grant, setting)
    if (items.length > 0) for (const chain of chainsOf(items)) played.push(playChain(chain, play, elements))
    return Promise.all(played).then(() => ({ status: 200, elements }))
  }

  /** An action of a batch has its own rights to prove; what is wrong with it is wrong with its element alone (3.1.4). */
  #lookInside(
    index: number,
    raw: RawArgs,
    outer: RawArgs,
    sentAt: EpochMs | null,
    grant: Grant,
    setting: Setting,
  ): Looked {
    const name = raw.action
    if (isAbsent(name)) return { outcome: failed('MISSING_ARGUMENT', { name: 'action' }) }
    if (!isActionName(name)) return { outcome: failed('UNKNOWN_ACTION', { name: String(name) }) }
    const row: ActionDefinition = ACTIONS[name]
    if (row.scope === 'batch' || row.alone) return { outcome: failed('NOT_IN_BATCH') }
    const keyClass = this.#innerKeyClass(raw, grant, setting.now)
    if (keyClass === null || !row.keys.includes(keyClass)) return { outcome: failed('INVALID_ACCESS_KEY') }
    const common = readCommon(raw, outer)
    if (!common.ok) return { outcome: failed('INVALID_ARGUMENT', { name: common.invalid }) }
    if (common.common.devMode && keyClass !== 'development')
      return { outcome: failed('DEVELOPMENT_MODE_NOT_PERMITTED') }
    return this.#look(index, name, row, raw, common.common, keyClass, sentAt, setting)
  }

  #innerKeyClass(raw: RawArgs, { known, clientKey, keyClass }: Grant, now: EpochMs): KeyClass | null {
    if (!isAbsent(raw.appId) && String(raw.appId) !== known.app.appId) return null
    // SDKs repeat the key of the batch in every action of it.
    if (isAbsent(raw.clientKey) || raw.clientKey === clientKey) return keyClass
    return this.#apps.authorize(known, String(raw.clientKey), now)
  }

  /** The rest of the checks, those of one action; `sentAt` is known of a batch only. */
  #look(
    index: number,
    name: ActionName,
    row: ActionDefinition,
    raw: RawArgs,
    common: Common,
    keyClass: KeyClass,
    sentAt: EpochMs | null,
    setting: Setting,
  ): Looked {
    const parsed = parseArgs(row, raw)
    if (!parsed.ok) {
      if ('missing' in parsed) return { outcome: failed('MISSING_ARGUMENT', { name: parsed.missing }) }
      return { outcome: failed('INVALID_ARGUMENT', { name: parsed.invalid }) }
    }
    const { args } = parsed
    const { at, warning } = effectiveTime(sentAt, common.time, setting.now)
    if (row.scope === 'app') {
      const handler = handlers[name] as AppHandler
      return { asked: handler.answer(args, { ...setting, common, at }, this.#ports) }
    }
    if (row.subject === 'device' && common.deviceId === null)
      return { outcome: failed('MISSING_ARGUMENT', { name: 'deviceId' }) }
    if (common.userId === null && common.deviceId === null) {
      // What a user nobody knows would be shown (unknowns 68).
      if (row.subject === 'optional' && keyClass === 'development')
        return { outcome: done(blankContent({ ...setting, common, at }, args as unknown as ContentWish)) }
      return { outcome: failed('INVALID_SUBJECT') }
    }
    const resets = (args as { readonly resetAnomalies?: boolean }).resetAnomalies === true
    if (resets && keyClass !== 'development') return { outcome: failed('INVALID_ACCESS_KEY') }
    return { item: { index, name, definition: row, args, common, at, timeWarning: warning, seenKey: seenKey(common) } }
  }

  #play(run: Run, { known }: Grant, setting: Setting): Promise<readonly Outcome[]> {
    return this.#store.transact(refOf(run, known), decider(run, setting)).then(({ outcomes, newNames, sends }) => {
      if (sends) this.#onDeliveries()
      if (newNames.length > 0) this.#apps.note(known, newNames)
      return outcomes
    })
  }

  /** devMode needs the development key, and may not be used too often (specification 2.4, 3.1.2). */
  #limitDevelopment(common: Common | null, { known, keyClass }: Grant, now: EpochMs): Outcome | null {
    if (common === null || !common.devMode) return null
    if (keyClass !== 'development') return failed('DEVELOPMENT_MODE_NOT_PERMITTED')
    const { appId, settings } = known.app
    const device = `${appId} ${common.deviceId ?? common.userId ?? ''}`
    return this.#devLimit.admits(device, settings.devModeBurst, now) ? null : failed('DEVICE_RATE_LIMIT')
  }
}

function refOf(run: Run, { app }: KnownApp): ProfileRef {
  const { common, args } = run[0]!
  const otherUserId = newUserIdOf(args)
  const seenKeys = run.flatMap(({ seenKey }) => (seenKey === null ? [] : [seenKey]))
  return {
    appId: app.appId,
    userId: common.userId,
    deviceId: common.deviceId,
    needsSeen: seenKeys.length > 0,
    ...(seenKeys.length > 0 && { seenKeys }),
    ...(otherUserId !== null && { otherUserId }),
  }
}

/** Apart from `#play`, whose closures live until the commit and would keep the run with them. */
function decider(run: Run, setting: Setting): (loaded: Loaded) => Turn<Decision> {
  return (loaded) => decideTurn(run, loaded, setting)
}

/**
 * Whose requests are counted: those of the first action in devMode, if the batch itself does not say. With a key that may
 * not, only those actions are refused, each at its index.
 */
function developerOf(common: Common, actions: readonly RawArgs[], keyClass: KeyClass): Common | null {
  if (common.devMode) return common
  if (keyClass !== 'development') return null
  for (const raw of actions) {
    if (isAbsent(raw.devMode)) continue
    const own = readCommon(raw)
    if (own.ok && own.common.devMode) return own.common
  }
  return null
}

function refused(outcome: Outcome): Refused {
  return { outcome }
}

function alone(outcome: Outcome, raw: RawArgs): Performed {
  return { status: outcome.status, elements: [{ outcome, reqId: readReqId(raw) }] }
}
