export * from '../errors.ts'
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './shape.ts'
export { sqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
