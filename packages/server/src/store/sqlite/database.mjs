// @ts-check
import { createRequire } from 'node:module'
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MIGRATIONS } from './migrations.mjs'

/** @import { OpenOptions, SqliteDatabase } from './shape.ts' */

/**
 * `secure_delete`: erased bytes are overwritten. `wal_autocheckpoint` in pages of 4 KiB. `busy_timeout`: whoever holds
 * the file holds it for as long as it runs, so there is nothing to wait for.
 */
const PRAGMAS = {
  busy_timeout: 100,
  locking_mode: 'EXCLUSIVE',
  journal_mode: 'WAL',
  synchronous: 'FULL',
  secure_delete: 'ON',
  foreign_keys: 'OFF',
  temp_store: 'MEMORY',
  cache_size: -32_768,
  wal_autocheckpoint: 4_000,
}

/** What makes an answer durable and the file ours alone; read back, because SQLite ignores what it cannot do. */
const REQUIRED = [
  { pragma: 'synchronous', accepted: [2, 3], wanted: 'FULL (2)' },
  { pragma: 'journal_mode', accepted: ['wal'], wanted: 'wal' },
  { pragma: 'locking_mode', accepted: ['exclusive'], wanted: 'exclusive' },
]

/** The order of choice, best first. */
const DRIVERS = ['node:sqlite', 'better-sqlite3', 'libsql']

/** An error that `sqlite-store.ts` turns into one of ours. */
export class OpenError extends Error {
  /**
   * @param {'locked' | 'moved' | 'unusable'} kind
   * @param {string} message
   * @param {string | null} pid
   */
  constructor(kind, message, pid = null) {
    super(message)
    this.kind = kind
    this.pid = pid
  }
}

/**
 * Opens the file for this process alone, checks that it keeps its promises, and brings it up to date.
 * @param {OpenOptions} options
 * @returns {Promise<SqliteDatabase>}
 */
export async function openDatabase(options) {
  const { file } = options
  prepareFolder(file)
  const open = await loadDriver(options.driver)
  /** @type {SqliteDatabase} */
  let database
  try {
    database = open(file)
  } catch (error) {
    throw explained(file, error)
  }
  try {
    // Not by statements: better-sqlite3 gives no rows of those that have none, and some of these have one.
    for (const [name, value] of Object.entries({ ...PRAGMAS, ...options.pragmas })) {
      database.exec(`PRAGMA ${name} = ${value}`)
    }
    database.exec('BEGIN IMMEDIATE; COMMIT')
    verify(database)
    migrate(database, file)
    if (options.isForMove !== true) refuseIfMoved(database, file)
    writeFileSync(`${file}.pid`, `${process.pid}\n`)
    return database
  } catch (error) {
    database.close()
    throw explained(file, error)
  }
}

/**
 * Leaves everything in the one file, so that it may be copied.
 * @param {SqliteDatabase} database
 * @param {string} file
 */
export function closeDatabase(database, file) {
  database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all()
  rmSync(`${file}.pid`, { force: true })
  database.close()
}

/** What must lead to something, and how to count what does not. */
const LOST = [
  {
    what: 'profiles have lost their history',
    sql: 'SELECT count(*) AS count FROM profiles WHERE tail IS NOT NULL AND tail NOT IN (SELECT id FROM entries)',
  },
  {
    what: 'lines of history belong to nobody',
    sql: 'SELECT count(*) AS count FROM entries WHERE pid NOT IN (SELECT pid FROM profiles)',
  },
  {
    what: 'devices belong to nobody',
    sql: 'SELECT count(*) AS count FROM devices WHERE pid NOT IN (SELECT pid FROM profiles)',
  },
]

/**
 * What is wrong with a database file; `null`: nothing. Opens it as it is and changes nothing.
 * @param {string} file
 * @param {string | undefined} driver
 * @returns {Promise<string | null>}
 */
export async function inspectDatabase(file, driver) {
  const open = await loadDriver(driver)
  /** @type {SqliteDatabase | undefined} */
  let database
  try {
    database = open(file)
    database.exec('PRAGMA query_only = ON')
    const [found] = database.prepare('PRAGMA integrity_check(1)').all()
    const integrity = String(Object.values(found ?? {})[0])
    if (integrity !== 'ok') return `SQLite says: ${integrity}`
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    if (version < 1 || version > MIGRATIONS.length) return `its version is ${version}`
    for (const { what, sql } of LOST) {
      const count = Number(database.prepare(sql).get()?.count)
      if (count > 0) return `${count} ${what}`
    }
    return null
  } catch (error) {
    return messageOf(error)
  } finally {
    database?.close()
  }
}

/** @param {string} file */
function prepareFolder(file) {
  const folder = dirname(file)
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const expected = `Expected to create and write files in ${folder}, but that is not allowed (${messageOf(error)}).`
    throw new OpenError('unusable', `${expected} Give this user the right to, or choose another folder.`)
  }
}

/**
 * @param {string | undefined} chosen one of `DRIVERS`, or the path of a module that exports `open(file)`
 * @returns {Promise<(file: string) => SqliteDatabase>}
 */
async function loadDriver(chosen) {
  if (chosen !== undefined && !DRIVERS.includes(chosen)) return (await import(pathToFileURL(chosen).href)).open
  const require = createRequire(import.meta.url)
  const failures = []
  for (const name of chosen === undefined ? DRIVERS : [chosen]) {
    try {
      const library = require(name)
      const Database = name === 'node:sqlite' ? library.DatabaseSync : library
      return (file) => new Database(file)
    } catch (error) {
      failures.push(`${name}: ${messageOf(error).split('\n')[0]}`)
    }
  }
  throw new OpenError(
    'unusable',
    `Expected a SQLite library, but none could be loaded (${failures.join('; ')}). ` +
      'Use Node.js 22.13 or later, or install better-sqlite3 or libsql.',
  )
}

/** @param {SqliteDatabase} database */
function verify(database) {
  for (const { pragma, accepted, wanted } of REQUIRED) {
    const found = Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]
    if (accepted.includes(found)) continue
    const refusal = `Expected SQLite to run with ${pragma} = ${wanted}, but it runs with ${String(found)}.`
    throw new OpenError('unusable', `${refusal} Answers would not be durable: remove that setting.`)
  }
}

/**
 * @param {SqliteDatabase} database
 * @param {string} file
 */
function migrate(database, file) {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (version > MIGRATIONS.length) {
    const expected = `Expected ${file} to have version ${MIGRATIONS.length} or lower, but it has version ${version}.`
    throw new OpenError('unusable', `${expected} A newer Damson wrote it: use that one, or a copy made before.`)
  }
  if (version === MIGRATIONS.length) return
  const steps = MIGRATIONS.slice(version).join(';')
  database.exec(`BEGIN IMMEDIATE; ${steps}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`)
}

/**
 * Nothing is ever written again to what was handed over: it would be missing there.
 * @param {SqliteDatabase} database
 * @param {string} file
 */
function refuseIfMoved(database, file) {
  const moved = database.prepare("SELECT value FROM meta WHERE name = 'moved'").get()?.value
  if (moved === undefined) return
  const { to, at } = JSON.parse(String(moved))
  const expected = `Expected ${file} to hold all there is, but everything in it moved to ${to} at ${new Date(at).toISOString()}.`
  const back = `To go back to what was here then, without what happened since: damson move --undo --from ${dirname(file)}`
  throw new OpenError('moved', `${expected} Start the server with --postgres and that address. ${back}`)
}

/**
 * @param {string} file
 * @param {unknown} error
 */
function explained(file, error) {
  if (error instanceof OpenError) return error
  const message = messageOf(error)
  if (/database is locked|SQLITE_BUSY/i.test(message)) return new OpenError('locked', message, ownerOf(file))
  if (/not a database|malformed|SQLITE_NOTADB|SQLITE_CORRUPT/i.test(message)) {
    const expected = `Expected ${file} to be a Damson database, but it is not one or is damaged (${message}).`
    return new OpenError('unusable', `${expected} Restore a copy, or choose another file.`)
  }
  return new OpenError(
    'unusable',
    `Expected to open ${file}, but it failed: ${message}. Check the path and its rights.`,
  )
}

/** @param {string} file */
function ownerOf(file) {
  try {
    return readFileSync(`${file}.pid`, 'utf8').trim() || null
  } catch {
    // The owner is only named to help; without its note the message says "another process".
    return null
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}
