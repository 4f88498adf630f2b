/** The few methods we call on a SQLite library: node:sqlite, better-sqlite3 and libsql all have them. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown
  get(...values: SqliteValue[]): Record<string, unknown> | undefined
  all(...values: SqliteValue[]): Record<string, unknown>[]
}

export type SqliteValue = string | number | null

export interface OpenOptions {
  readonly file: string
  readonly driver?: string
  readonly pragmas?: Readonly<Record<string, string | number>>
  /** Opens it even if everything has moved. */
  readonly isForMove?: boolean
}
