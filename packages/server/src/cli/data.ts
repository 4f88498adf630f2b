import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '@damson/core'
import { Option } from 'commander'
import type { BookOptions } from '../store/book.ts'
import { type Files, folderFiles } from '../store/files.ts'
import { postgresStore } from '../store/postgres/index.ts'
import { type SqliteStore, sqliteStore } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { Problem, reasonOf } from './problem.ts'

/** Beside where the command is run, so that nothing is hidden in a home directory. */
const DEFAULT_DATA = './data'

export function dataOption(): Option {
  return new Option('--data <folder>', 'where everything is kept').default(DEFAULT_DATA).env('DAMSON_DATA')
}

/** What a URL of a PostgreSQL looks like. */
export const POSTGRES_FORM = 'postgres://user@host/database'

export function postgresOption(): Option {
  return new Option('--postgres <url>', `everything is kept in this PostgreSQL instead: ${POSTGRES_FORM}`).env(
    'DAMSON_POSTGRES',
  )
}

/** Where a command finds everything: a folder, or a PostgreSQL if one is named. */
export interface Whereabouts {
  readonly data: string
  readonly postgres?: string
}

/** @param clock dates the history in a PostgreSQL, which several processes write */
export function openStore(
  { data, postgres }: Whereabouts,
  options: BookOptions = {},
  clock: Clock = systemClock,
): Promise<Store> {
  return postgres === undefined ? openData(data, options) : postgresStore({ url: postgres, clock, ...options })
}

/** Runs `use` with the store of a folder or a PostgreSQL, and closes it whatever happens. */
export async function withStore<T>(where: Whereabouts, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(where)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

export async function openData(folder: string, options: BookOptions = {}): Promise<SqliteStore> {
  makeFolder(folder)
  return sqliteStore({ file: join(folder, 'damson.db'), ...options })
}

/** Files lie beside the database; the folder is made with the first of them. */
export function filesOf(folder: string): Files {
  return folderFiles(join(folder, 'files'))
}

/** Runs `use` with the store of a folder, and closes it whatever happens. */
export async function withData<T>(folder: string, use: (store: SqliteStore) => Promise<T>): Promise<T> {
  const store = await openData(folder)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** One at a time: told to make the folders above as well, `mkdir` of Node 20 never returns below `/proc`. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    throw new Problem(`cannot make the folder ${folder}: ${reasonOf(error)}. Choose another one with --data.`)
  }
}
