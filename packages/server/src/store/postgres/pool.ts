/** The few things we ask of a PostgreSQL client; those of `pg` and of PGlite can be fitted to it. */
export interface PostgresClient {
  /** Sends the statement behind those already sent, without waiting for them. */
  query(statement: PostgresStatement): Promise<PostgresResult>
  /** Gives it back; with `isBroken` it is closed instead. */
  release(isBroken?: boolean): void
  /** Nothing stands between us and the server: what is set or prepared on this connection stays there. */
  readonly isDirect: boolean
}

export interface PostgresPool {
  connect(): Promise<PostgresClient>
  end(): Promise<void>
}

export interface PostgresStatement {
  readonly text: string
  readonly values?: readonly unknown[]
  /** Under which it may be prepared, where that is safe. */
  readonly name?: string
}

export interface PostgresResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly rowCount: number | null
  readonly command: string
}

export interface PoolOptions {
  readonly url: string
  /** How many connections at most. */
  readonly connections: number
  /** How long to wait for a free or a new connection. Milliseconds. */
  readonly connectTimeoutMs: number
  /** A statement that takes longer has its connection closed, whatever the server says. Milliseconds. */
  readonly queryTimeoutMs: number
  /** Run on each new connection that is direct. */
  readonly settings: string
}
