import { type Clock, DamsonError, DAY_MS, type EpochMs, systemClock } from '@damson/core'
import type { BookOptions } from '../book.ts'
import { FAILED_DELIVERY_DAYS } from '../deliveries.ts'
import { StoreClosedError, StoreMovingError, StoreUnavailableError, StoreUnusableError } from '../errors.ts'
import type { Store } from '../store.ts'
import { createDeviceOwners } from './device-owners.ts'
import { createAppTables, DecisionError } from './documents.ts'
import { overdue } from './due.ts'
import { DIGITS_PER_ID } from './entry-ids.ts'
import { failureOf } from './failures.ts'
import { createHealth } from './health.ts'
import { createLeases } from './leases.ts'
import { refuseNewer } from './migrate.ts'
import { MIGRATIONS } from './migrations.ts'
import { createOutbox } from './outbox.ts'
import { maintainPartitions } from './partitions.ts'
import { playGroup } from './play.ts'
import type { PostgresPool } from './pool.ts'
import { pgPool } from './pg-pool.ts'
import { pooledDigits } from './random.ts'
import { createRememberedRows } from './remembered.ts'
import { createScheduler } from './scheduler.ts'
import { CommitUnknownError, createSessions, type Sessions, sessionSettings } from './session.ts'
import { createStatements, type Width } from './statements.ts'
import { walkEntries, walkOwners, walkProfiles } from './walks.ts'

const ASK_TRIES = 5
const ASK_RETRY_MS = 20

export interface PostgresStoreOptions extends Pick<BookOptions, 'lockWaitMs' | 'maxPendingTurns'> {
  /** `postgres://user:password@host:port/database`, or a pool of your own of the shape we need. */
  readonly url: string | PostgresPool
  /** How many connections this process opens at most. */
  readonly connections?: number
  /** How many of them turns may use at a time. */
  readonly groups?: number
  /** A statement that takes longer is ended, and its turns fail. Milliseconds. */
  readonly statementTimeoutMs?: number
  /** When the oldest turn has waited for so long, new ones are refused. Milliseconds. */
  readonly shedAfterMs?: number
  /** How many profiles are remembered and decided on without being read; 0: each is locked first. */
  readonly cachedProfiles?: number
  /** How long history is kept, in days; absent: for ever. */
  readonly keepEntriesDays?: number
  /**
   * How far one transaction reaches: over `any` buckets, which makes larger groups, or one `bucket`, which Citus needs and
   * gets without asking.
   */
  readonly width?: Width
  /** `false`: deliveries are claimed without `SKIP LOCKED`, for engines that lack it. */
  readonly skipsLocked?: boolean
  /** Dates the history; never seen by the engine. */
  readonly clock?: Clock
}

/**
 * Everything in one PostgreSQL that any number of processes share. The tables are made by `damson migrate`, or `migrate()`.
 * @throws {StoreMovingError} a move into it is not finished
 * @throws {StoreUnusableError} the tables are missing or of another version, or the library `pg` is
 * @throws {StoreUnavailableError} the database cannot be reached
 */
export async function postgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { lockWaitMs = 10_000, maxPendingTurns = 20_000, statementTimeoutMs = 15_000, connections = 10 } = options
  const { groups = 3, shedAfterMs = 5_000, skipsLocked = true, keepEntriesDays, clock = systemClock } = options
  const { cachedProfiles = 12_000 } = options
  const timeouts = { lockTimeoutMs: lockWaitMs, statementTimeoutMs: Math.max(statementTimeoutMs, lockWaitMs) }
  const pool = await poolOf(options.url, connections, timeouts)
  const meta = await opened(() => readMeta(createSessions({ pool, ...timeouts }))).catch(async (error: unknown) => {
    await pool.end()
    throw error
  })
  const isCitus = meta.has('citus')
  const sessions = createSessions({ pool, ...timeouts, isCitus })
  const width: Width = isCitus ? 'bucket' : (options.width ?? 'any')
  const isNarrow = width === 'bucket'
  const statements = createStatements(width, skipsLocked)
  const salt = String(meta.get('salt'))
  const owners = createDeviceOwners()
  let horizon = Number(meta.get('horizon'))
  let closing: Promise<void> | null = null
  const reader = { statements, isNarrow, salt, sessions }
  const isGuessing = cachedProfiles > 0
  const remembered = createRememberedRows(Math.max(cachedProfiles, 1))
  const player = {
    ...reader,
    owners,
    remembered,
    isGuessing,
    clock,
    secrets: () => ({ salt, horizon }),
    digits: pooledDigits(DIGITS_PER_ID),
  }
  const scheduler = createScheduler({
    lockWaitMs,
    maxPendingTurns,
    shedAfterMs,
    groups: isNarrow ? Math.max(groups, connections - 2) : groups,
    isNarrow,
    owners,
    play: (tasks, isWide) => playGroup(player, tasks, isWide),
  })
  const tables = createAppTables(sessions)
  const outbox = createOutbox(reader)
  const leases = createLeases(sessions)
  const health = createHealth(sessions)

  async function asking<T>(ask: () => Promise<T>): Promise<T> {
    if (closing !== null) throw new StoreClosedError()
    return retrying(ask)
  }

  const read = (text: string, values: readonly unknown[]) =>
    asking(async () => (await sessions.within(({ run }) => run({ text, values }))).rows)

  async function forget(now: EpochMs): Promise<void> {
    const { rows } = await sessions.within(({ run }) =>
      run({
        text: `UPDATE meta SET value = greatest(value::bigint, $1::bigint)::text WHERE name = 'horizon' RETURNING value`,
        values: [now - DAY_MS],
      }),
    )
    horizon = Math.max(horizon, Number(rows[0]?.value))
    await sessions.within(async ({ run }) => {
      await Promise.all([
        run({ text: 'DELETE FROM erased WHERE at < $1', values: [horizon] }),
        // Of the days that have a partition of their own nothing lies here; those go in one piece.
        run({ text: 'DELETE FROM seen_other WHERE at < $1', values: [horizon] }),
      ])
    })
    await outbox.forget(now - FAILED_DELIVERY_DAYS * DAY_MS)
    await maintain()
  }

  function maintain(): Promise<void> {
    const today = clock.now()
    const entries = keepEntriesDays === undefined ? {} : { entries: Math.floor(today / DAY_MS) - keepEntriesDays }
    return maintainPartitions(sessions, today, { ...entries, seen: Math.floor(today / DAY_MS) - 1 })
  }

  async function close(): Promise<void> {
    await scheduler.idle()
    // Whoever cannot say that it leaves is missed after a while.
    await leases.release().catch(() => undefined)
    await pool.end()
  }

  await opened(maintain)
  return {
    transact: (ref, decide) =>
      closing === null ? scheduler.transact(ref, decide) : Promise.reject(new StoreClosedError()),
    apps: () => asking(tables.apps),
    saveApp: (app) => asking(() => tables.saveApp(app)),
    documents: (appId, kind) => asking(() => tables.documents(appId, kind)),
    changeDocuments: (appId, kind, decide) => asking(() => tables.changeDocuments(appId, kind, decide)),
    revisions: () => asking(tables.revisions),
    claimDeliveries: (claim) => asking(() => outbox.claimDeliveries(claim)),
    settleDelivery: (id, attempt, settlement) => asking(() => outbox.settleDelivery(id, attempt, settlement)),
    deliveries: outbox.deliveries,
    reviveDelivery: (appId, id, dueAt) => asking(() => outbox.reviveDelivery(appId, id, dueAt)),
    overdue: (now, limit) => asking(async () => overdue(reader, now, limit, await leases.held())),
    profiles: (appId) => walkProfiles(read, appId),
    owners: (appId, after) => walkOwners(read, appId, after),
    entries: (query) => walkEntries(read, query),
    forget: (now) => asking(() => forget(now)),
    isShared: true,
    isReady: () => health.isUp() && scheduler.waitedMs() < shedAfterMs,
    close: () => (closing ??= close()),
  }
}

/** What fails because a connection was lost, or somebody was faster, is asked again. */
async function retrying<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (cause) {
      if (cause instanceof DecisionError) throw cause.cause
      if (DamsonError.isInstance(cause)) throw cause
      const isOver = tries === ASK_TRIES || cause instanceof CommitUnknownError || failureOf(cause) !== 'again'
      if (isOver) throw new StoreUnavailableError('a request to the database', cause)
      await new Promise((resolve) => setTimeout(resolve, ASK_RETRY_MS * 2 ** tries))
    }
  }
}

function poolOf(
  url: string | PostgresPool,
  connections: number,
  timeouts: { readonly lockTimeoutMs: number; readonly statementTimeoutMs: number },
): Promise<PostgresPool> {
  if (typeof url !== 'string') return Promise.resolve(url)
  return pgPool({
    url,
    connections,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: timeouts.statementTimeoutMs + 2_000,
    settings: sessionSettings(timeouts, false),
  })
}

/** What the database says of itself. */
async function readMeta(sessions: Sessions): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sessions.within(({ run }) => run({ text: 'SELECT name, value FROM meta' }))
  const meta = new Map(rows.map(({ name, value }) => [String(name), String(value)]))
  const version = Number(meta.get('version') ?? 0)
  refuseNewer(version)
  if (version < MIGRATIONS.length) throw tooOld(version)
  if (meta.has('move')) throw new StoreMovingError()
  return meta
}

function tooOld(version: number, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError(
    `Expected the tables to have version ${MIGRATIONS.length}, but they have version ${version}. Run: damson migrate --postgres URL`,
    cause,
  )
}

async function opened<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (DamsonError.isInstance(error)) throw error
    // undefined_table
    if ((error as { code?: unknown } | null)?.code === '42P01') throw tooOld(0, error)
    throw new StoreUnavailableError('reaching the database', error)
  }
}
