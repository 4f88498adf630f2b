import { MINUTE_MS, SECOND_MS, systemClock, type Clock } from '../clock.ts'
import { DamsonError } from '../errors.ts'
import { SESSION_INACTIVITY_MS, SESSION_PAUSED_MS, type OutlineRules } from '../session/outline.ts'
import type { Params } from './action.ts'
import type { BeforeSend } from './before-send.ts'
import type { Consent } from './consent.ts'
import type { EventContract } from './events.ts'
import type { Logger, Tell } from './logger.ts'
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
  readonly sessionRules?: OutlineRules

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
export interface Settings extends Required<Omit<ClientOptions, Optional | 'fetch' | 'beforeSend'>> {
  /** The platform's own where nobody says otherwise. */
  readonly fetch?: FetchLike
  readonly devMode?: boolean
  readonly send?: 'batched' | 'now'
  readonly waitUntil?: (work: Promise<unknown>) => void
  readonly outbox?: Outbox
  readonly onDrop?: (dropped: DroppedAction) => void
  readonly telemetry?: Telemetry
  readonly events?: EventContract<object>
  readonly beforeSend: readonly BeforeSend[]
  readonly tell: Tell
}

type Optional = 'devMode' | 'send' | 'waitUntil' | 'outbox' | 'onDrop' | 'telemetry' | 'events' | 'debug' | 'logger'

const DEFAULTS = {
  /** Stands in a request that never leaves the process. */
  endpoint: 'http://damson.invalid',
  flushAt: 250,
  flushBytes: 2 ** 18,
  flushIntervalMs: 5 * SECOND_MS,
  flushTimeoutMs: 10 * SECOND_MS,
  requestTimeoutMs: 10 * SECOND_MS,
  concurrency: 4,
  maxQueue: 100_000,
  maxQueueBytes: 2 ** 26,
  overflow: 'dropOldest',
  backoff: { firstMs: 500, ceilingMs: 30 * SECOND_MS },
  waitUntilDebounceMs: 50,
  autoStart: true,
  heartbeatMarginMs: 30 * MINUTE_MS,
  mirrorSize: 10_000,
  sessionRules: {
    inactivityMs: SESSION_INACTIVITY_MS,
    pausedMs: SESSION_PAUSED_MS,
    mergeStartWithinPause: true,
  } as OutlineRules,
  consent: 'granted',
  clock: systemClock,
  timers: systemTimers,
  random: Math.random,
} as const

/** @throws {DamsonError} CLIENT_OPTIONS_INVALID: names the option, what was found and the way out. */
export function settingsOf<E extends object>(options: ClientOptions<E>): Settings {
  // An option passed as `undefined` (an unset variable of the environment) means its default.
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  const given = Object.fromEntries(entries) as ClientOptions<E>
  const settings = { ...DEFAULTS, ...given }
  const { debug, beforeSend = [], events, logger = debug ? console : undefined } = given
  const { endpoint } = settings
  const problems = [
    !given.appId && 'needs appId',
    !given.clientKey && 'needs clientKey',
    !given.endpoint && !given.fetch && 'needs endpoint or fetch',
    !/^https?:\/\/[^/]/.test(endpoint) && `endpoint is no http address: ${endpoint}`,
    ...entries.map(([name, value]) => {
      const isNumber = typeof DEFAULTS[name as keyof typeof DEFAULTS] === 'number'
      const least = /Debounce|Margin/.test(name) ? 0 : 1
      return isNumber && !(value >= least) && `${name} is ${value}, must be at least ${least}`
    }),
  ]
  const problem = problems.find(Boolean)
  if (problem) throw new DamsonError('CLIENT_OPTIONS_INVALID', `createClient(): ${problem}.`)
  return {
    ...settings,
    beforeSend: [events?.check ?? [], beforeSend].flat(),
    tell(level, message, details) {
      if (level !== 'debug' || debug) logger?.[level](`damson: ${message}`, details)
    },
  }
}
