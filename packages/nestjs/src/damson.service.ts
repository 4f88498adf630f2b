import { createClient, SECOND_MS, type Client, type FlushReport, type Params } from '@damson/core'
import type { Identity, MirroredSession, Tracker, TrackerOptions } from '@damson/core'
import { createVisitors, type HeaderSource } from '@damson/core/web'
import { Logger, type BeforeApplicationShutdown, type ExecutionContext } from '@nestjs/common'
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common'
import { carrierOf, connectionCarrier } from './carrier.ts'
import type { DamsonOptions } from './options.ts'
import { createPresences, type ConnectionOptions, type Presences } from './presence.ts'
import { currentVisit, keepHandshake, type Visit } from './scope.ts'
import { unrefTimers } from './timers.ts'
import { createVisits, type Visits } from './visits.ts'

const MARKER = Symbol.for('damson.nestjs.service@1')
const SHUTDOWN_TIMEOUT_MS = 5 * SECOND_MS
/** How long after the start shutdown hooks may still be enabled without a warning. */
const HOOKS_GRACE_MS = SECOND_MS

/** One client inside a Nest application. Injected with `@InjectDamson()`, or as a class where it has no name. */
export class DamsonService<E extends object = Record<string, Params>>
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly [MARKER] = true
  readonly name: string
  readonly client: Client<E>
  readonly #options: DamsonOptions<E>
  readonly #logger = new Logger('Damson')
  readonly #visits: Visits
  readonly #presences: Presences
  readonly #arrivals = new WeakMap<ExecutionContext, Promise<Visit>>()
  readonly #joining = new WeakMap<object, Promise<void>>()
  #closing: Promise<FlushReport> | null = null
  #forgetHooks: () => void = () => undefined

  /** Made by `DamsonModule`. @throws {DamsonError} CLIENT_OPTIONS_INVALID, SECRET_INVALID, COOKIE_INVALID */
  constructor(name: string, options: DamsonOptions<E>) {
    const { secrets, cookie, clock, timers, onError = (error) => this.#logger.warn(String(error)) } = options
    const logger = {
      debug: (message: string, details?: object) => this.#logger.debug(message, details),
      warn: (message: string, details?: object) => this.#logger.warn(message, details),
      error: (message: string, details?: object) => this.#logger.error(message, details),
    }
    this.name = name
    this.#options = options
    this.client = 'client' in options ? options.client : createClient<E>({ logger, ...options })
    // Names of events are the caller's concern; underneath all clients are alike.
    const client = this.client as unknown as Client
    const visitors = secrets === undefined ? null : createVisitors({ secrets, cookie, clock })
    this.#visits = createVisits({ ...options, name, client, visitors, onError })
    this.#presences = createPresences(onError, { clock, timers })
  }

  /** Recognises the service of another build of this package, too. */
  static isInstance(value: unknown): value is DamsonService {
    return typeof value === 'object' && value !== null && MARKER in value
  }

  /** Of the present request, message or connection; `null` where nobody is known. */
  get tracker(): Tracker<E> | null {
    return currentVisit(this.name)?.tracker ?? null
  }

  /** As far as this process knows; `null` if it knows nothing. */
  get session(): MirroredSession | null {
    return this.tracker?.session ?? null
  }

  /** Tracks for whoever the present request is about; does nothing where nobody is known. Never rejects. */
  readonly track: Tracker<E>['track'] = async (...args) => {
    const visit = currentVisit(this.name)
    await (visit?.tracker as Tracker<E> | null | undefined)?.track(...args).catch(visit?.onError)
  }

  /**
   * Ends the session of the user who was signed in, before or after your own sign-out, and gives the browser the cookie of a
   * stranger: await it before you answer. Does nothing where nobody is known. Never rejects.
   */
  async logout(): Promise<void> {
    await currentVisit(this.name)?.leave()
  }

  /** For anybody, anywhere: a job, a webhook. @throws {DamsonError} IDENTITY_INVALID */
  for(identity: Identity, options?: TrackerOptions): Tracker<E> {
    return this.client.for(identity, options)
  }

  /** Whom an execution is about. Never rejects; the same for the same execution. */
  arrive(context: ExecutionContext): Promise<Visit> {
    let arrival = this.#arrivals.get(context)
    if (arrival === undefined) this.#arrivals.set(context, (arrival = this.#meet(context)))
    return arrival
  }

  async #meet(context: ExecutionContext): Promise<Visit> {
    const carrier = carrierOf(context)
    const visit = await this.#visits.arrive(carrier)
    if (visit.tracker !== null && !carrier.isQuiet) this.#presences.touch(visit.tracker)
    return visit
  }

  /** A connection opened: its session starts, or goes on. `request` is the one it was upgraded from. Never rejects. */
  connected(client: object, request?: { readonly headers: object }, options: ConnectionOptions = {}): Promise<void> {
    if (request !== undefined) keepHandshake(client, request.headers as HeaderSource)
    const joining = this.#visits.arrive(connectionCarrier(client)).then(({ tracker }) => {
      if (tracker !== null) this.#presences.join(client, tracker, options)
    })
    this.#joining.set(client, joining)
    return joining
  }

  /** A connection closed. Never rejects. */
  async disconnected(client: object): Promise<void> {
    // It may have closed while we still asked whose it is.
    await this.#joining.get(client)
    this.#presences.leave(client)
  }

  /** Sends everything tracked before the call. Never rejects. */
  flush(options?: { readonly timeoutMs?: number }): Promise<FlushReport> {
    return this.client.flush(options)
  }

  /** Sends what is left and refuses more; a client that was handed over is only flushed. The same promise every time. */
  close(): Promise<FlushReport> {
    const timeoutMs = this.#options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS
    this.#forgetHooks()
    this.#presences.close()
    return (this.#closing ??= 'client' in this.#options ? this.flush({ timeoutMs }) : this.client.close({ timeoutMs }))
  }

  onApplicationBootstrap(): void {
    const { timers = unrefTimers } = this.#options
    this.#forgetHooks = timers.after(HOOKS_GRACE_MS, () => warnWithoutHooks(this.#logger), false)
  }

  /** Connections are still open; most of what waits can be sent while they finish. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.flush({ timeoutMs: this.#options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS })
  }

  async onApplicationShutdown(): Promise<void> {
    const { pending, dropped } = await this.close()
    if (pending + dropped > 0) this.#logger.warn(`${pending + dropped} actions were not sent before the shutdown.`)
  }
}

/** Nest tells nobody about signals unless it is asked to, and then what is not yet sent is lost without a word. */
function warnWithoutHooks(logger: Logger): void {
  if (process.listenerCount('SIGTERM') > 0) return
  logger.warn('Events not yet sent are lost at SIGTERM: call app.enableShutdownHooks() in main.ts.')
}
