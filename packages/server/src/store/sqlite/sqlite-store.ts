import { resolve } from 'node:path'
import type { Backend, Opened } from '../backend.ts'
import { type BookOptions, createBook } from '../book.ts'
import { StoreHandedOverError, StoreLockedError, StoreMovedError, StoreUnusableError } from '../errors.ts'
import type { Held, MoveCall } from '../moving.ts'
import type { Store } from '../store.ts'
import type { OpenOptions } from './shape.ts'
import { startThread } from './thread.ts'

export interface SqliteStoreOptions extends BookOptions {
  /** The database file; it and its folder are made if need be. Two more files lie beside it while the store is open. */
  readonly file: string
  /**
   * Which library: `node:sqlite`, `better-sqlite3` or `libsql`; the first of these that can be loaded if absent. Or the
   * path of a module that exports `open(file): SqliteDatabase`.
   */
  readonly driver?: string
  /** SQLite settings that differ from ours, such as `cache_size`. Those that durability rests on are refused. */
  readonly pragmas?: Readonly<Record<string, string | number>>
  /** Opens it even if everything has moved; then it can only be asked about that. */
  readonly isForMove?: boolean
}

export interface SqliteStore extends Store {
  /**
   * Writes all that is durable now to a new file, which is a database of its own. Takes as long as reading the file; what is
   * to be written meanwhile waits.
   */
  backup(file: string): Promise<void>
  /** One step of a move. Resolves with JSON; `MoveCall` says what of. */
  move(call: MoveCall): Promise<string>
}

/**
 * Everything in one SQLite file, owned by this process alone, written by a thread of its own.
 * @throws {StoreLockedError} another process has the file
 * @throws {StoreMovedError} everything in it has moved to a PostgreSQL
 * @throws {StoreUnusableError} the folder, the file or the library is not as it must be
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { driver, pragmas, isForMove, ...bookOptions } = options
  const file = resolve(options.file)
  const { backend, opened, backup, move } = await openWorker({
    file,
    ...(driver === undefined ? {} : { driver }),
    ...(pragmas === undefined ? {} : { pragmas }),
    ...(isForMove === undefined ? {} : { isForMove }),
  })
  const book = createBook(backend, opened, bookOptions)
  let isOurs = true
  return {
    ...book,
    // What is in memory could still be answered from here, when others have changed it there.
    transact: (ref, decide) => (isOurs ? book.transact(ref, decide) : Promise.reject(new StoreHandedOverError())),
    isReady: () => isOurs,
    backup,
    async move(call) {
      if (call.ask === 'hold') isOurs = false
      const answer = await move(call)
      if (call.ask === 'release') isOurs = !(JSON.parse(answer) as Held).isHeld
      return answer
    },
  }
}

interface OpenedFile {
  readonly backend: Backend
  readonly opened: Opened
  backup(file: string): Promise<void>
  move(call: MoveCall): Promise<string>
}

async function openWorker(options: OpenOptions): Promise<OpenedFile> {
  const { call, opening, close } = startThread<Opened>(options)
  const opened = await opening.catch((error: unknown) => {
    throw explained(options.file, error)
  })
  const backend: Backend = {
    load: (requests) => call('load', requests),
    commit: (batch) => call('commit', batch),
    apps: () => call('apps'),
    overdue: (now, limit) => call('overdue', now, limit),
    profilePage: (appId, after) => call('profilePage', appId, after),
    entryPage: (query) => call('entryPage', query),
    claimDeliveries: (claim) => call('claimDeliveries', claim),
    settleDelivery: (id, attempt, settlement) => call('settleDelivery', id, attempt, settlement),
    deliveryPage: (query, after) => call('deliveryPage', query, after),
    reviveDelivery: (appId, id, dueAt) => call('reviveDelivery', appId, id, dueAt),
    documents: (appId, kind) => call('documents', appId, kind),
    revisions: () => call('revisions'),
    forget: (horizon, failedBefore) => call('forget', horizon, failedBefore),
    close,
  }
  return { backend, opened, backup: (target) => call('backup', target), move: (asked) => call('move', asked) }
}

function explained(file: string, error: unknown): Error {
  const { kind, pid, message } = error as { kind?: string; pid?: string | null; message: string }
  if (kind === 'locked') return new StoreLockedError(file, pid ?? null, error)
  if (kind === 'moved') return new StoreMovedError(message, error)
  return new StoreUnusableError(message, error)
}
