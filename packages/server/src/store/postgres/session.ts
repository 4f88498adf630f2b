import { isConnectionOver, isSilent, isUnsent } from './failures.ts'
import type { PostgresClient, PostgresPool, PostgresResult, PostgresStatement } from './pool.ts'

/** A transaction under way. Statements are sent at once, one behind the other, and each answer is a promise. */
export interface Transaction {
  run(statement: PostgresStatement): Promise<PostgresResult>
}

/** A commit was asked for and nobody knows what became of it. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`the connection was lost while committing, and nobody knows whether it was done: ${reason}`, { cause })
  }
}

export interface SessionOptions {
  readonly pool: PostgresPool
  /** How long to wait for rows that others hold. Milliseconds. */
  readonly lockTimeoutMs: number
  /** Milliseconds. */
  readonly statementTimeoutMs: number
  /** Rows lie on other nodes, which have to be told how long to wait for them. */
  readonly isCitus?: boolean
}

export interface Sessions {
  /**
   * Runs `use` in a transaction and commits it if it resolves; what it sent without awaiting is part of it, and the commit
   * is sent behind that without waiting. When `use` rejects, or a statement fails, nothing is kept.
   * @throws {CommitUnknownError} or what failed
   */
  within<T>(use: (transaction: Transaction) => Promise<T>): Promise<T>
  /**
   * Runs one statement that is a transaction by itself, committed when it resolves.
   * @throws {CommitUnknownError} or what failed
   */
  once(statement: PostgresStatement): Promise<PostgresResult>
  /** Runs what only reads; where it can be, each statement by itself, so that it sees what was committed before it. */
  reading<T>(use: (transaction: Transaction) => Promise<T>): Promise<T>
  /** What a transaction is given at its start, or a direct connection once. */
  readonly settings: string
}

/**
 * Plans that look rows up one by one: all our statements do, and a table that was empty a minute ago may be huge. A plan that is refused
 * costs so much in PostgreSQL's eyes that it compiles what is left, each time anew and for nothing: hence no `jit`.
 */
const PLANS = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit'].map((setting) => `${setting} = off`)

export function sessionSettings(options: Omit<SessionOptions, 'pool'>, isLocal: boolean): string {
  const timeouts = [
    lockTimeout(options),
    `statement_timeout = ${Math.round(options.statementTimeoutMs)}`,
    `idle_in_transaction_session_timeout = ${Math.round(options.statementTimeoutMs * 2)}`,
  ]
  return [...timeouts, ...PLANS].map((setting) => `SET ${isLocal ? 'LOCAL ' : ''}${setting}`).join('; ')
}

function lockTimeout({ lockTimeoutMs }: Omit<SessionOptions, 'pool'>): string {
  // 0 would mean no limit.
  return `lock_timeout = ${Math.max(1, Math.round(lockTimeoutMs))}`
}

export function createSessions({ pool, ...options }: SessionOptions): Sessions {
  const local = sessionSettings(options, true)
  // Citus hands on what is set in a transaction, if it is told to, with the text that it came in: hence one by one. Plans are
  // made anew on its nodes for each statement, and need no settings there.
  const handedOn = ["SET LOCAL citus.propagate_set_commands = 'local'", `SET LOCAL ${lockTimeout(options)}`]

  async function on<T>(
    client: PostgresClient,
    isOne: boolean,
    use: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const sent: Promise<PostgresResult>[] = []
    const run = (statement: PostgresStatement): Promise<PostgresResult> => {
      const answer = client.query(statement)
      // Whoever does not wait for it hears of its failure from the commit.
      answer.catch(() => undefined)
      sent.push(answer)
      return answer
    }
    if (isOne) {
      void run({ text: client.isDirect ? 'BEGIN' : `BEGIN; ${local}` })
      if (options.isCitus) for (const text of handedOn) void run({ text })
    }
    let result: T
    try {
      result = await use({ run })
    } catch (error) {
      await abandon(client, sent)
      throw await causeOf(sent, error)
    }
    if (isOne) await commit(client, sent)
    else client.release()
    return result
  }

  return {
    within: async (use) => on(await pool.connect(), true, use),
    async once(statement) {
      const client = await pool.connect()
      return client.isDirect ? alone(client, statement) : on(client, true, ({ run }) => run(statement))
    },
    async reading(use) {
      const client = await pool.connect()
      // Behind a pooler settings are those of a transaction.
      return on(client, !client.isDirect, use)
    },
    settings: sessionSettings(options, false),
  }
}

async function commit(client: PostgresClient, sent: readonly Promise<PostgresResult>[]): Promise<void> {
  const committing = client.query({ text: 'COMMIT' })
  const ends = await Promise.allSettled([...sent, committing])
  const end = ends.at(-1)
  const failed = ends.slice(0, -1).find((one) => one.status === 'rejected')
  const isCommitted = end?.status === 'fulfilled' && end.value.command === 'COMMIT'
  const isLost = end?.status === 'rejected'
  client.release(isLost)
  // A transaction with a failed statement is rolled back by its COMMIT.
  if (isCommitted && failed === undefined) return
  if (failed !== undefined && !isCommitted) throw isLost && isSilent(failed.reason) ? unknown(end) : failed.reason
  throw isLost ? unknown(end) : new Error('Expected COMMIT to commit, but the transaction was rolled back.')
}

/** Without a word around it the statement is committed before it is answered, or not at all. */
async function alone(client: PostgresClient, statement: PostgresStatement): Promise<PostgresResult> {
  try {
    const result = await client.query(statement)
    client.release()
    return result
  } catch (error) {
    client.release(isConnectionOver(error))
    // A server that says what went wrong says it instead of the commit.
    throw isSilent(error) && !isUnsent(error) ? new CommitUnknownError(error) : error
  }
}

/** Of a statement that was refused because an earlier one failed, whose answer nobody waited for: how that one failed. */
async function causeOf(sent: readonly Promise<PostgresResult>[], error: unknown): Promise<unknown> {
  // in_failed_sql_transaction
  if ((error as { code?: unknown } | null)?.code !== '25P02') return error
  const failed = (await Promise.allSettled(sent)).find((one) => one.status === 'rejected')
  return failed?.reason ?? error
}

function unknown(end: PromiseRejectedResult | undefined): CommitUnknownError {
  return new CommitUnknownError(end?.reason)
}

async function abandon(client: PostgresClient, sent: readonly Promise<PostgresResult>[]): Promise<void> {
  try {
    await Promise.all([client.query({ text: 'ROLLBACK' }), Promise.allSettled(sent)])
    client.release()
  } catch {
    client.release(true)
  }
}
