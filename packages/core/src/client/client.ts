import type { Params } from './action.ts'
import type { Consent } from './consent.ts'
import type { Core, FlushReport } from './core.ts'
import { flushBeforeExit } from './exit.ts'
import { subjectOf, type Identity } from './identity.ts'
import { letIn, OUTBOX_FAILED, restore, turnAway } from './intake.ts'
import { drop } from './ledger.ts'
import { settingsOf, type ClientOptions } from './options.ts'
import { flushQueue, shutDown, statsOf, type Stats } from './pipeline.ts'
import { Tracker } from './tracker.ts'
import { createDebouncedFlush } from './wait-until.ts'

/** What `for` may say of one request. */
export interface TrackerOptions {
  readonly consent?: Consent
  /** Of the visitor's browser: for `tagBots`. Not sent. */
  readonly userAgent?: string | undefined
  /** Of this request, where the runtime gives one to each: `ctx.waitUntil.bind(ctx)`. */
  readonly waitUntil?: (work: Promise<unknown>) => void
}

/** The pipeline that all trackers of a process share. */
export interface Client<E extends object = Record<string, Params>> {
  /** A handle for one identity. Make one per request and throw it away. @throws {DamsonError} IDENTITY_INVALID */
  for(identity: Identity, options?: TrackerOptions): Tracker<E>
  /**
   * Sends everything accepted before the call. Resolves when each of them, what is in flight included, has arrived or was
   * dropped, or when time is up. Never rejects; calls may overlap.
   */
  flush(options?: { readonly timeoutMs?: number }): Promise<FlushReport>
  /** Refuses further actions, flushes, and lets go of everything. Never rejects; the same promise every time. */
  close(options?: { readonly timeoutMs?: number }): Promise<FlushReport>
  stats(): Stats & { readonly waitingForConsent: number }
}

/** @throws {DamsonError} CLIENT_OPTIONS_INVALID: the one thing that throws. */
export function createClient<E extends object = Record<string, Params>>(options: ClientOptions<E>): Client<E> {
  const settings = settingsOf(options)
  const { outbox, timers, waitUntilDebounceMs, flushTimeoutMs } = settings
  const onBusy = flushBeforeExit(() => flush())
  const core: Core = {
    ...settings,
    onBusy,
    onLeft: () => letIn(core),
    young: new Map(),
    old: new Map(),
    lanes: new Map(),
    ready: new Set(),
    delayed: new Set(),
    count: 0,
    bytes: 0,
    waiting: 0,
    failures: 0,
    pausedUntil: 0,
    flights: [],
    seq: 0,
    uuid: '',
    dueAt: Infinity,
    isScheduled: false,
    cancelAlarm() {},
    isClosed: false,
    isShut: false,
    counts: { accepted: 0, sent: 0, skipped: 0, requests: 0, retried: 0 },
    dropped: {},
    waiters: new Set(),
    line: new Set(),
    opening: undefined,
    held: new Set(),
  }
  if (outbox) core.opening = restore(core, outbox)
  settings.telemetry?.observe(() => core.count)
  const debounced = (waitUntil: typeof settings.waitUntil) =>
    waitUntil && createDebouncedFlush(waitUntil, () => flush(), timers, waitUntilDebounceMs)
  const noteWork = debounced(settings.waitUntil)
  let closing: Promise<FlushReport> | undefined

  async function flush({ timeoutMs = flushTimeoutMs } = {}): Promise<FlushReport> {
    // Without an await where none is needed: what is tracked right after this call is not part of it.
    if (core.opening) await core.opening
    const report = await flushQueue(core, timeoutMs)
    return { ...report, pending: report.pending + core.held.size }
  }

  async function close(timeoutMs: number): Promise<FlushReport> {
    onBusy(false)
    await core.opening
    core.isClosed = true
    const held = core.held.size
    turnAway(core, 'closed')
    const { sent, dropped } = await flushQueue(core, timeoutMs)
    const rest = await shutDown(core)
    // What an outbox keeps is not lost.
    const pending = outbox ? rest.length : 0
    if (outbox) await outbox.close().catch((error: unknown) => settings.tell('error', OUTBOX_FAILED, { error }))
    else for (const action of rest) void drop(core, action, 'closed')
    return { sent, dropped: dropped + held + rest.length - pending, pending }
  }

  return {
    for: (identity, { consent = settings.consent, userAgent, waitUntil } = {}) =>
      new Tracker<E>({
        core,
        subject: subjectOf(identity),
        userAgent,
        consent,
        noteWork: debounced(waitUntil) ?? noteWork,
      }),
    flush,
    close: ({ timeoutMs = flushTimeoutMs } = {}) => (closing ??= close(timeoutMs)),
    stats: () => statsOf(core),
  }
}
