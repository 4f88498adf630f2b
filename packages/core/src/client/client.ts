import type { Params, WireElement } from './action.ts'
import { createAdmission } from './admission.ts'
import type { Consent } from './consent.ts'
import { createDebouncedFlush } from './wait-until.ts'
import { flushBeforeExit } from './exit.ts'
import type { FlushReport } from './ledger.ts'
import { subjectOf, type Identity } from './identity.ts'
import { createIntake } from './intake.ts'
import { createMirror } from './mirror.ts'
import { settingsOf, type ClientOptions } from './options.ts'
import { createPipeline, type Stats } from './pipeline.ts'
import { createTrackers, type Tracker } from './tracker.ts'

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
  const mirror = createMirror(settings.sessionRules, settings.mirrorSize)
  const onBusy = flushBeforeExit(() => flush())
  const pipeline = createPipeline(settings, {
    onBusy,
    onAnswer({ subject, action, time }, element, warning) {
      if (toldNoSession(action, element, warning)) mirror.denied(subject.session, time)
    },
    onSettled(reqId) {
      outbox?.remove(reqId)
      intake.letIn()
    },
  })
  const intake = createIntake(settings, pipeline)
  const admission = createAdmission(settings, mirror, intake, pipeline)
  const trackerOf = createTrackers(admission)
  const debounced = (waitUntil: typeof settings.waitUntil) =>
    waitUntil && createDebouncedFlush(waitUntil, () => flush(), timers, waitUntilDebounceMs)
  const noteWork = debounced(settings.waitUntil)
  let closing: Promise<FlushReport> | undefined

  async function flush({ timeoutMs = flushTimeoutMs } = {}): Promise<FlushReport> {
    // Without an await where none is needed: what is tracked right after this call is not part of it.
    if (intake.opening()) await intake.opening()
    const report = await pipeline.flush(timeoutMs)
    return { ...report, pending: report.pending + admission.held() }
  }

  async function close(timeoutMs: number): Promise<FlushReport> {
    onBusy(false)
    await intake.opening()
    intake.close()
    const { sent, dropped } = await pipeline.flush(timeoutMs)
    const rest = await pipeline.shutDown()
    const held = admission.held()
    admission.close()
    // What an outbox keeps is not lost.
    const pending = outbox ? rest.length : 0
    if (outbox)
      await outbox.close().catch((error: unknown) => settings.tell('error', 'the outbox does not close', { error }))
    else for (const action of rest) void pipeline.drop(action, 'closed')
    return { sent, dropped: dropped + held + rest.length - pending, pending }
  }

  return {
    for: (identity, { consent = settings.consent, userAgent, waitUntil } = {}) =>
      trackerOf({
        subject: subjectOf(identity),
        userAgent,
        consent,
        noteWork: debounced(waitUntil) ?? noteWork,
      }) as Tracker<E>,
    flush,
    close: ({ timeoutMs = flushTimeoutMs } = {}) => (closing ??= close(timeoutMs)),
    stats: () => ({ ...pipeline.stats(), waitingForConsent: admission.held() }),
  }
}

/** Whether the answer says that there was no session where we believed in one. */
function toldNoSession(action: string, element: WireElement, warning: string | null): boolean {
  if (element['isOffline'] === true) return action === 'track' || action === 'advance'
  return warning?.startsWith('No active session') === true
}
