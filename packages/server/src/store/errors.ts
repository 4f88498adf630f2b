import { DamsonError } from '@damson/core'

/** Other turns hold the profile for longer than `lockWaitMs`. Nothing was written. */
export class ProfileBusyError extends DamsonError {
  constructor(lockWaitMs: number) {
    super(
      'PROFILE_BUSY',
      `Expected the profile to be free within ${lockWaitMs} ms, but earlier turns on it are still not durable. Try again later.`,
      { isRetryable: true },
    )
  }
}

/** Too much is waiting to be written. Nothing of this turn was. */
export class StoreBusyError extends DamsonError {
  constructor(maxPendingTurns: number) {
    super(
      'STORE_BUSY',
      `Expected fewer than ${maxPendingTurns} turns to be waiting, but that many are. Try again later, or raise maxPendingTurns.`,
      { isRetryable: true },
    )
  }
}

/** The medium is so slow that turns wait for too long. Nothing of this turn was written. */
export class StoreSlowError extends DamsonError {
  constructor(waitedMs: number) {
    super(
      'STORE_BUSY',
      `Expected the database to take turns at once, but the oldest waits for ${Math.round(waitedMs)} ms. Try again later.`,
      { isRetryable: true },
    )
  }
}

/** The medium failed. Nothing of the turn is kept, as far as the store can tell: retry it with the same message id. */
export class StoreUnavailableError extends DamsonError {
  constructor(doing: string, cause: unknown) {
    super('STORE_UNAVAILABLE', `Expected ${doing} to succeed, but it failed: ${reason(cause)}. Try again later.`, {
      isRetryable: true,
      cause,
    })
  }
}

/** A call after `close()`. */
export class StoreClosedError extends DamsonError {
  constructor() {
    super('STORE_CLOSED', 'Expected an open store, but it was closed. Open it again.')
  }
}

/** Another process holds the files. */
export class StoreLockedError extends DamsonError {
  constructor(file: string, pid: string | null, cause: unknown) {
    const who = pid === null ? 'another process' : `another process (pid ${pid})`
    super(
      'STORE_LOCKED',
      `Expected to be the only user of ${file}, but it is in use by ${who}. Stop that process, or choose another folder.`,
      { cause },
    )
  }
}

/** Everything that was here is somewhere else; the message says where, and how to go back. */
export class StoreMovedError extends DamsonError {
  constructor(message: string, cause?: unknown) {
    super('STORE_MOVED', message, { cause })
  }
}

/** A copy into this store is under way; nobody may use it before it is whole. */
export class StoreMovingError extends DamsonError {
  constructor() {
    super(
      'STORE_MOVING',
      'Expected a whole copy, but a move into this database is not finished. Run the same damson move once more.',
      { isRetryable: true },
    )
  }
}

/** The store is being handed over, or was: whoever asks again soon is answered, here or there. Nothing of the turn is kept. */
export class StoreHandedOverError extends DamsonError {
  constructor() {
    super(
      'STORE_HANDED_OVER',
      'Expected to own the data, but it is handed over to a PostgreSQL. Ask again: its server answers.',
      { isRetryable: true },
    )
  }
}

/** The store cannot be opened as it is; the message says what to change. */
export class StoreUnusableError extends DamsonError {
  constructor(message: string, cause?: unknown) {
    super('STORE_UNUSABLE', message, { cause })
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
