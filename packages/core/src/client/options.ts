import { SECOND_MS, systemClock, type Clock } from '../clock.ts'
import { DamsonError } from '../errors.ts'
import { DEFAULT_SESSION_RULES, type SessionRules } from '../session/timing.ts'
import type { Params } from './action.ts'
import type { BeforeSend } from './before-send.ts'
import type { Consent } from './consent.ts'
import type { EventContract } from './events.ts'
import { SILENT, type Explain, type Logger } from './logger.ts'
import type { Outbox } from './outbox-port.ts'
import type { DroppedAction } from './ledger.ts'
import type { Backoff } from './retry.ts'
import type { Telemetry } from './telemetry.ts'
import { systemTimers, type Timers } from './timers.ts'
import type { FetchLike } from './transport.ts'

/**
 * What happens to an action when the queue is full. `reject` makes `track()` reject with `QUEUE_FULL`; `wait` lets it
 * resolve only when there was room: await it, or the wait is unbounded work of your own.
 */
export type Overflow = 'dropOldest' | 'dropNewest' | 'reject' | 'wait'

export interface ClientOptions<E extends object = Record<string, Params>> {
  readonly appId: string
  readonly clientKey: string
  /** The address of the API, with its path: `https://stats.example.com/api`. */
  readonly endpoint?: string
  /** Who answers: the network, or an engine in the same process: `fetch: server.fetch`. */
  readonly fetch?: FetchLike
  /** Names and parameters of your events, from `defineEvents`; anything else becomes a compile error. */
  readonly events?: EventContract<E>
  /** Marks users as developers; needs the development key. */
  readonly devMode?: boolean

  /**
   * `batched` (default): `track()` resolves once accepted. `now`: sent at once, resolves once the server has answered.
   */
  readonly send?: 'batched' | 'now'
  /** A flush begins at this many waiting actions … */
  readonly flushAt?: number
  /** … or about this many bytes … */
  readonly flushBytes?: number
  /** … or when one has waited this long. */
  readonly flushIntervalMs?: number
  /** How long `flush()` goes on trying before it reports what is pending. */
  readonly flushTimeoutMs?: number
  /** How long one request may take, its answer included. */
  readonly requestTimeoutMs?: number
  /** How many requests may be under way at once; never two for one profile. */
  readonly concurrency?: number
  /** How many actions may be pending, and about how many bytes of them. */
  readonly maxQueue?: number
  readonly maxQueueBytes?: number
  readonly overflow?: Overflow
  readonly backoff?: Backoff
  /** Called once per busy period, with a promise of its flush: `ctx.waitUntil`, `after`. */
  readonly waitUntil?: (work: Promise<unknown>) => void
  /** How long a `waitUntil` flush waits for more. */
  readonly waitUntilDebounceMs?: number
  /** Where actions survive a crash: `folderOutbox(path)` of `@damson/core/outbox`. */
  readonly outbox?: Outbox

  /**
   * Whether an active event opens a session where the mirror knows none. `true` (default) joins the session that another
   * process may have open (`resumeSession`), and sends `start` once the server has said that there is none. `'start'`
   * always sends `start`: right where one process alone serves each user.
   */
  readonly autoStart?: boolean | 'start'
  /** How long before its time-out a session is worth a heartbeat. */
  readonly heartbeatMarginMs?: number
  /** How many sessions the mirror remembers; forgetting one costs a request, never a wrong session. */
  readonly mirrorSize?: number
  /** The session time-outs of the server, where its operator changed them. */
  readonly sessionRules?: SessionRules

  /** What holds for a tracker that does not say. Default `granted`. */
  readonly consent?: Consent
  /** Steps each action passes before it is queued: redaction, sampling, your own. */
  readonly beforeSend?: BeforeSend | readonly BeforeSend[]
  /** Every action that will never arrive, with the reason. */
  readonly onDrop?: (dropped: DroppedAction) => void
  readonly logger?: Logger
  /** Explains each decision through `logger.debug`, or on the console if there is no logger. */
  readonly debug?: boolean
  readonly telemetry?: Telemetry

  /** For tests. */
  readonly clock?: Clock
  readonly timers?: Timers
  readonly random?: () => number
}

/** The options with every default in place. */
export interface Settings extends Required<
  Omit<ClientOptions, 'devMode' | 'waitUntil' | 'outbox' | 'onDrop' | 'telemetry' | 'events' | 'debug' | 'beforeSend'>
> {
  readonly devMode: boolean
  readonly waitUntil: ((work: Promise<unknown>) => void) | null
  readonly outbox: Outbox | null
  readonly onDrop: ((dropped: DroppedAction) => void) | null
  readonly telemetry: Telemetry | null
  readonly events: EventContract<object> | null
  readonly explain: Explain | null
  readonly beforeSend: readonly BeforeSend[]
}

/** Stands in a request that never leaves the process. */
const IN_PROCESS = 'http://damson.invalid/api'

/** @throws {DamsonError} CLIENT_OPTIONS_INVALID: names the option, what was found and the way out. */
export function settingsOf<E extends object>(options: ClientOptions<E>): Settings {
  const { appId, clientKey, endpoint, fetch, events, debug, beforeSend, ...rest } = withoutUndefined(options)
  required('appId', appId)
  required('clientKey', clientKey)
  if (endpoint === undefined && fetch === undefined) {
    throw invalid('needs an endpoint or a fetch', 'Pass `endpoint: "https://…/api"`, or `fetch: server.fetch`.')
  }
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw invalid(`endpoint is not an http address: ${endpoint}`, 'Write it in full: "https://stats.example.com/api".')
  }
  for (const name of NUMBERS) atLeastOne(name, rest[name])
  const logger = rest.logger ?? (debug === true ? console : SILENT)
  return {
    send: 'batched',
    flushAt: 250,
    flushBytes: 256 * 1024,
    flushIntervalMs: 5 * SECOND_MS,
    flushTimeoutMs: 10 * SECOND_MS,
    requestTimeoutMs: 10 * SECOND_MS,
    concurrency: 4,
    maxQueue: 100_000,
    maxQueueBytes: 64 * 1024 * 1024,
    overflow: 'dropOldest',
    backoff: { firstMs: 500, ceilingMs: 30 * SECOND_MS },
    waitUntil: null,
    waitUntilDebounceMs: 50,
    outbox: null,
    autoStart: true,
    heartbeatMarginMs: 30 * 60 * SECOND_MS,
    mirrorSize: 10_000,
    sessionRules: DEFAULT_SESSION_RULES,
    consent: 'granted',
    onDrop: null,
    telemetry: null,
    clock: systemClock,
    timers: systemTimers,
    random: Math.random,
    devMode: false,
    ...rest,
    appId,
    clientKey,
    endpoint: endpoint ?? IN_PROCESS,
    fetch: fetch ?? ((request) => globalThis.fetch(request)),
    events: events ?? null,
    logger,
    explain: debug === true ? (decision, details) => logger.debug(`damson: ${decision}`, details) : null,
    beforeSend: beforeSend === undefined ? [] : typeof beforeSend === 'function' ? [beforeSend] : beforeSend,
  }
}

const NUMBERS = [
  'flushAt',
  'flushBytes',
  'flushIntervalMs',
  'flushTimeoutMs',
  'requestTimeoutMs',
  'concurrency',
  'maxQueue',
  'maxQueueBytes',
  'mirrorSize',
] as const

function required(name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return
  throw invalid(`needs ${name}`, 'It comes with the app: see `damson apps create`.')
}

function atLeastOne(name: string, value: number | undefined): void {
  if (value !== undefined && !(value >= 1)) throw invalid(`${name} is ${value}`, 'It must be a number of at least 1.')
}

function invalid(problem: string, wayOut: string): DamsonError {
  return new DamsonError('CLIENT_OPTIONS_INVALID', `createClient(): ${problem}. ${wayOut}`)
}

/** An option passed as `undefined` (an unset variable of the environment) means its default. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
