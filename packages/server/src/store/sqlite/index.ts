export * from '../errors.ts'
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './shape.ts'
export { type SqliteStore, sqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
