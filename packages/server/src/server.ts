import { type Clock, SECOND_MS, systemClock } from '@damson/core'
import type { SessionRules } from '@damson/core/session'
import { type AdminRoute, createAdminRoute } from './admin/admin-route.ts'
import { AVAILABILITY_SECONDS } from './engine/available.ts'
import { createEngine, type RunningEngine } from './engine/engine.ts'
import { type Random, systemRandom } from './engine/ids.ts'
import type { Engine } from './engine/perform.ts'
import type { Locator, Money } from './engine/scene.ts'
import { type ClientAddress, createAnswer } from './http/answer.ts'
import { type Fetch, toFetch } from './http/fetch.ts'
import { createFileRoute } from './http/file-route.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './http/limits.ts'
import { createMailRoute } from './http/mail-route.ts'
import type { Lifecycle, Mountable } from './http/mountable.ts'
import { createJobs, type JobOptions } from './jobs/jobs.ts'
import { type Logger, silentLogger } from './logger.ts'
import { keptApp, type NewApp } from './new-app.ts'
import type { BucketService } from './services/bucket.ts'
import { createSenders, type Senders } from './senders/senders.ts'
import type { MessagingSettings } from './senders/settings.ts'
import { createDial, type Dial } from './services/dial.ts'
import { createEgress, type Egress } from './services/egress.ts'
import { createMailLinks } from './services/mail-links.ts'
import { type Files, memoryFiles } from './store/files.ts'
import { createSealer } from './services/sealing.ts'
import { createSigner } from './services/signing.ts'
import type { Store } from './store/store.ts'
import { createDispatcher } from './timers/dispatcher.ts'
import { messageCarrier } from './timers/message-carrier.ts'
import { ruleCarrier } from './timers/rule-carrier.ts'
import { createSweeper } from './timers/sweeper.ts'

export interface ServerOptions {
  readonly store: Store
  /** Where files of variables and finished exports are kept; without one, in memory. */
  readonly files?: Files
  /** Where callers reach this server, without `/api`: what addresses of files begin with. Without it, what they wrote. */
  readonly publicUrl?: string
  /** Apps to create, or to bring up to date, before the first request. Others in the store stay as they are. */
  readonly apps?: readonly NewApp[]
  /** Keys of the admin surface, which answers at a path that ends in `/admin`; without any, there is none. */
  readonly adminKeys?: readonly string[]
  readonly clock?: Clock
  readonly random?: Random
  /** Without one, nothing is logged. */
  readonly logger?: Logger
  /** Without one, values with a currency other than the app's are not converted. */
  readonly money?: Money
  /** Without one, `(detect)` finds no place. */
  readonly locator?: Locator
  /** Without one, the caller is the other end of the socket, whatever `X-Forwarded-For` says. */
  readonly clientAddress?: ClientAddress
  /**
   * What the secrets of postbacks are made from, and what keys to buckets are sealed with, the newest first; of 32 characters
   * or more, the same for every process on one store. Without one, nothing is signed, and exports go to no bucket.
   */
  readonly masterKeys?: readonly string[]
  readonly rules?: SessionRules
  readonly limits?: Partial<HttpLimits>
  /**
   * The only way out: postbacks and hooks, callbacks and copies of exports. Without one, to every public address, by https or
   * http, and to no private one.
   */
  readonly egress?: Egress
  /** The way out to SMTP servers, by the same rules. Without one, to public addresses alone. */
  readonly dial?: Dial
  /**
   * How each app reaches people, by its id: e-mail, web push, FCM, APNs. Checked here, kept nowhere, logged nowhere. A message
   * on a channel that is not set up ends as `Dropped`; webhooks need no setting.
   */
  readonly messaging?: Readonly<Record<string, MessagingSettings>>
  /** Ways to people in the place of the real ones: for tests. */
  readonly senders?: Senders
  /** Data can be exported in steps of this length; 0: at once. Two hours if absent. */
  readonly exportAvailabilitySeconds?: number
  readonly jobs?: JobOptions
  /** Where copies of exports go; without it, to Amazon's S3. */
  readonly bucketService?: BucketService
}

export interface Server extends Mountable, Lifecycle {
  /** The public face: mounts wherever there are `Request` and `Response`. Works before `start()`, too. */
  readonly fetch: Fetch
  readonly engine: RunningEngine
  /** The data is looked after elsewhere: timers stop and `/readyz` says no; requests are still answered, by what the store says. */
  retire(): Promise<void>
  /** Ends what is overdue now; timers only do the same sooner or later. Resolves with how many profiles it concerned. */
  sweep(): Promise<number>
  /** Carries out the jobs that are due, and waits for them; a timer does the same. */
  work(): Promise<void>
  /** Sends what is due now, and waits for what comes of it. Resolves with how many tries were made. */
  dispatch(): Promise<number>
}

/** How long a change of apps, keys, rules or content made by another process may go unnoticed here. */
const REFRESH_EVERY_MS = SECOND_MS

const NO_MONEY: Money = { convert: (value, from, to) => (from === to ? { value } : null) }
const NOWHERE: Locator = { locate: () => null }

/** The composition root: the one place that chooses a clock, randomness and a logger. The store comes from outside. */
export function createServer(options: ServerOptions): Server {
  const { store, apps = [], clock = systemClock, logger = silentLogger, rules } = options
  const { random = systemRandom, money = NO_MONEY, locator = NOWHERE, clientAddress } = options
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  const { files = memoryFiles() } = options
  const { masterKeys = [] } = options
  const [masterKey, ...olderKeys] = masterKeys
  const signer = masterKey === undefined ? null : createSigner([masterKey, ...olderKeys])
  const sealer = masterKey === undefined ? null : createSealer([masterKey, ...olderKeys])
  const { exportAvailabilitySeconds = AVAILABILITY_SECONDS, egress = createEgress({ allowHttp: true }) } = options
  const availabilityMs = exportAvailabilitySeconds * SECOND_MS
  const wakeJobs = (): void => jobs.wake()
  const engine = createEngine({
    store,
    clock,
    random,
    money,
    locator,
    files,
    wakeJobs,
    availabilityMs,
    signing: signer,
    sealing: sealer,
    onDeliveries: () => {
      dispatcher.wake()
      messenger.wake()
    },
    ...(rules && { rules }),
  })
  const dispatcher = createDispatcher({
    store,
    carrier: ruleCarrier({
      ruleOf: (appId, kind, rule) => engine.ruleOf(appId, kind, rule),
      egress,
      signer,
      clock,
    }),
    clock,
    logger,
  })
  const senders =
    options.senders ?? createSenders({ messaging: options.messaging ?? {}, egress, dial: options.dial ?? createDial() })
  // A link in a mail needs an address of ours, and a key that nobody else has.
  const links =
    options.publicUrl !== undefined && masterKey !== undefined
      ? createMailLinks([masterKey, ...olderKeys], options.publicUrl)
      : null
  // Apart from postbacks: a slow inbox of somebody's keeps no postback waiting, and the other way round.
  const messenger = createDispatcher({
    store,
    carrier: messageCarrier({
      senders,
      engine,
      clock,
      logger,
      ...(links && { addressesOf: links.addressesOf }),
    }),
    clock,
    logger,
  })
  const jobs = createJobs({
    store,
    files,
    clock,
    logger,
    engine,
    availabilityMs,
    egress,
    sealer,
    bucketService: options.bucketService ?? {},
    ...options.jobs,
    ...(rules && { rules }),
  })
  const sweeper = createSweeper({ store, clock, logger, settle: (ref, now) => engine.settle(ref, now) })
  let refreshing: NodeJS.Timeout | undefined
  let phase: 'made' | 'started' | 'stopping' = 'made'
  let isPrepared = false
  let preparing: Promise<void> | undefined
  let retired: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  async function prepare(): Promise<void> {
    await engine.load()
    for (const app of apps) await engine.saveApp(keptApp(engine.apps(), app, clock.now()))
    isPrepared = true
  }

  function prepared(): Promise<void> {
    preparing ??= prepare().catch((error: unknown) => {
      // Whoever comes next tries again: the store may be back.
      preparing = undefined
      throw error
    })
    return preparing
  }

  const preparedEngine: Engine = {
    perform: (envelope, caller) =>
      isPrepared ? engine.perform(envelope, caller) : prepared().then(() => engine.perform(envelope, caller)),
  }
  const { adminKeys = [] } = options
  const administer =
    adminKeys.length > 0 ? createAdminRoute(adminKeys, { engine, store, files, clock }, limits) : undefined
  const adminRoute: AdminRoute | undefined = administer && ((request) => prepared().then(() => administer(request)))
  const answer = createAnswer({
    engine: preparedEngine,
    logger,
    limits,
    isReady: () => phase === 'started' && (store.isReady?.() ?? true),
    fileRoute: createFileRoute(files),
    ...(links && {
      mailRoute: createMailRoute({
        links,
        logger,
        leave: (leaving) => engine.unsubscribe(leaving),
        react: (reaction) => engine.react(reaction),
      }),
    }),
    ...(adminRoute && { adminRoute }),
    ...(options.publicUrl !== undefined && { publicUrl: options.publicUrl }),
    ...(clientAddress && { clientAddress }),
  })
  const mountable: Mountable = { answer, limits, isStopping: () => phase === 'stopping' }

  async function start(): Promise<void> {
    await prepared()
    if (phase !== 'made') return
    phase = 'started'
    sweeper.start()
    jobs.start()
    dispatcher.start()
    messenger.start()
    refreshing = setInterval(refresh, REFRESH_EVERY_MS).unref()
  }

  function refresh(): void {
    engine
      .refresh()
      .catch((error: unknown) =>
        logger.error({ err: error }, 'changes of other processes could not be read; tried again'),
      )
  }

  function drain(): void {
    phase = 'stopping'
  }

  async function retire(): Promise<void> {
    drain()
    clearInterval(refreshing)
    await Promise.all([sweeper.stop(), jobs.stop(), dispatcher.stop(), messenger.stop()])
  }

  async function stop(): Promise<void> {
    await (retired ??= retire())
    senders.close()
    await engine.drain()
    await store.close()
  }

  return {
    ...mountable,
    fetch: toFetch(mountable),
    engine,
    start,
    drain,
    retire: () => (retired ??= retire()),
    stop: () => (stopped ??= stop()),
    sweep: () => sweeper.sweep(),
    work: () => prepared().then(() => jobs.work()),
    // Messages first: what becomes of them is told by postbacks.
    dispatch: async () => (await messenger.dispatch()) + (await dispatcher.dispatch()),
  }
}
