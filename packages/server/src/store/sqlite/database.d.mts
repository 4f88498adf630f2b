import type { OpenOptions, SqliteDatabase } from './shape.ts'

export declare function openDatabase(options: OpenOptions): Promise<SqliteDatabase>
export declare function closeDatabase(database: SqliteDatabase, file: string): void
