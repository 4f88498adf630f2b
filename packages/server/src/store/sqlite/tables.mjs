// @ts-check

/** @import { Batch, EntryPage, EntryPageQuery, LoadAnswer, LoadRequest, Opened, ProfileRow, Step } from '../backend.ts' */
/** @import { SqliteDatabase } from './shape.ts' */

import { createDeliveryTable } from './delivery-table.mjs'
import { createDocumentTable } from './document-table.mjs'
import { createMoveTable, DAY_MS } from './move-table.mjs'

const PROFILES_PER_PAGE = 50
const ENTRIES_PER_PAGE = 1_000
/** A user's chain is walked for each page, so these are large. */
const USER_ENTRIES_PER_PAGE = 20_000
/** @see SEEN_MAX in shelves.ts */
const SEEN_MAX = 10_000

/** Every entry of a profile, by following its chain. */
const CHAIN = `WITH RECURSIVE chain (id) AS (
  SELECT tail FROM profiles WHERE pid = ? AND tail IS NOT NULL
  UNION ALL SELECT prev FROM chain JOIN entries USING (id) WHERE prev IS NOT NULL)`

/** How many rows one statement takes; what is left over goes to the next smaller one. */
const ROWS_AT_ONCE = [32, 8, 1]

/**
 * One statement for many rows: a call into the library costs as much as the row it writes.
 * @param {(sql: string) => { run(...values: any[]): void }} prepare
 * @param {string} head
 * @param {string} row
 * @param {string} tail
 * @returns {(rows: readonly (readonly unknown[])[]) => void}
 */
function manyRows(prepare, head, row, tail) {
  const statements = ROWS_AT_ONCE.map((size) => ({
    size,
    statement: prepare(`${head} ${Array.from({ length: size }, () => row).join(', ')}${tail}`),
  }))
  return (rows) => {
    let done = 0
    for (const { size, statement } of statements) {
      for (; rows.length - done >= size; done += size) statement.run(...rows.slice(done, done + size).flat())
    }
  }
}

/**
 * The tables as a backend, synchronously: each function is one message of the worker.
 * @param {SqliteDatabase} database
 */
export function createTables(database) {
  /**
   * Rows are what the statement says; that is not checked.
   * @param {string} sql
   * @returns {{ run(...values: any[]): void, get(...values: any[]): any, all(...values: any[]): any[] }}
   */
  const prepare = (sql) => database.prepare(sql)
  /** @param {string} head @param {string} row @param {string} [tail] */
  const prepareMany = (head, row, tail = '') => manyRows(prepare, head, row, tail)
  const begin = prepare('BEGIN IMMEDIATE')
  const commit = prepare('COMMIT')
  const rollback = prepare('ROLLBACK')
  const checkpoint = prepare('PRAGMA wal_checkpoint(TRUNCATE)')

  const appDocs = prepare('SELECT doc FROM apps ORDER BY rowid')
  const saveApp = prepare(
    'INSERT INTO apps (app_id, doc) VALUES (?, ?) ON CONFLICT (app_id) DO UPDATE SET doc = excluded.doc',
  )

  const columns = 'SELECT pid, user_id AS userId, doc, wake_at AS wakeAt FROM profiles'
  const profileByPid = prepare(`${columns} WHERE pid = ?`)
  const profileByUser = prepare(`${columns} WHERE app_id = ? AND user_id = ?`)
  const insertProfile = prepare(
    'INSERT INTO profiles (pid, app_id, user_id, doc, wake_at, look_at, tail) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const updateProfiles = prepareMany(
    'UPDATE profiles SET doc = given.column2, wake_at = given.column3 FROM (VALUES',
    '(?, ?, ?)',
    ') AS given WHERE pid = given.column1',
  )
  const updateWithTails = prepareMany(
    'UPDATE profiles SET doc = given.column2, wake_at = given.column3, tail = given.column4 FROM (VALUES',
    '(?, ?, ?, ?)',
    ') AS given WHERE pid = given.column1',
  )
  const setTails = prepareMany(
    'UPDATE profiles SET tail = given.column2 FROM (VALUES',
    '(?, ?)',
    ') AS given WHERE pid = given.column1',
  )
  const setTail = prepare('UPDATE profiles SET tail = ? WHERE pid = ?')
  const tailOf = prepare('SELECT tail FROM profiles WHERE pid = ?')
  const rename = prepare('UPDATE profiles SET user_id = ? WHERE pid = ?')
  const removeProfile = prepare('DELETE FROM profiles WHERE pid = ?')
  const profilesAfter = prepare(
    `SELECT user_id AS userId, doc FROM profiles WHERE app_id = ? AND user_id > ? ORDER BY user_id LIMIT ?`,
  )

  const lookEarlier = prepare('UPDATE profiles SET look_at = ? WHERE pid = ? AND (look_at IS NULL OR look_at > ?)')
  const toLookAt = prepare(
    `SELECT pid, app_id AS appId, user_id AS userId, wake_at AS wakeAt, look_at AS lookAt
     FROM profiles WHERE look_at <= ? ORDER BY look_at LIMIT ?`,
  )
  const look = prepare('UPDATE profiles SET look_at = wake_at WHERE pid = ?')

  const deviceOwner = prepare('SELECT pid FROM devices WHERE app_id = ? AND device_id = ?')
  const saveDevice = prepare('INSERT OR REPLACE INTO devices (app_id, device_id, pid) VALUES (?, ?, ?)')
  const removeDevice = prepare('DELETE FROM devices WHERE app_id = ? AND device_id = ?')
  const giveDevices = prepare('UPDATE devices SET pid = ? WHERE pid = ?')
  const removeDevices = prepare('DELETE FROM devices WHERE pid = ?')

  const addEntries = prepareMany(
    'INSERT INTO entries (id, pid, prev, data) VALUES',
    '(?, ?, (SELECT tail FROM profiles WHERE pid = ?), ?)',
  )
  const entriesOfApp = prepare(
    `SELECT user_id AS userId, data FROM entries JOIN profiles USING (pid)
     WHERE id > ? AND id <= ? AND app_id = ? ORDER BY id`,
  )
  const entriesOfProfile = prepare(
    `${CHAIN} SELECT id, data FROM chain JOIN entries USING (id) WHERE id > ? ORDER BY id LIMIT ?`,
  )
  const giveEntries = prepare(`${CHAIN} UPDATE entries SET pid = ? WHERE id IN chain`)
  const joinChains = prepare(`${CHAIN} UPDATE entries SET prev = ? WHERE prev IS NULL AND id IN chain`)
  const removeEntries = prepare(`${CHAIN} DELETE FROM entries WHERE id IN chain`)

  const seenOfDay = prepare('SELECT digest, answer, at FROM seen WHERE day = ? AND pid = ?')
  const addSeen = prepareMany('INSERT OR REPLACE INTO seen (day, pid, digest, answer, at) VALUES', '(?, ?, ?, ?, ?)')
  const giveSeen = prepare('UPDATE OR REPLACE seen SET pid = ? WHERE day = ? AND pid = ?')
  const removeSeen = prepare('DELETE FROM seen WHERE day = ? AND pid = ?')
  const removeDay = prepare('DELETE FROM seen WHERE day = ?')
  const addErased = prepare('INSERT OR REPLACE INTO erased (digest, at) VALUES (?, ?)')
  const removeErased = prepare('DELETE FROM erased WHERE at < ?')
  const setMeta = prepare('UPDATE meta SET value = ? WHERE name = ?')

  const outbox = createDeliveryTable(prepare, atOnce)
  const documents = createDocumentTable(prepare)

  /** The days of which there are message ids; few, so a profile's are found by looking at each. */
  const days = new Set(daysOf(database))
  const moving = createMoveTable(database, atOnce, days)
  let lastEntryId = Number(prepare('SELECT max(id) AS id FROM entries').get()?.id ?? 0)

  /**
   * @template T
   * @param {() => T} write
   * @returns {T}
   */
  function atOnce(write) {
    begin.run()
    try {
      const result = write()
      commit.run()
      return result
    } catch (error) {
      try {
        rollback.run()
      } catch {
        // SQLite rolls back by itself after some failures; then there is nothing left to roll back.
      }
      throw error
    }
  }

  /** @param {number} pid */
  function seenOf(pid) {
    const rows = [...days].sort((one, two) => one - two).flatMap((day) => seenOfDay.all(day, pid))
    const newest = rows.sort((one, two) => one.at - two.at).slice(-SEEN_MAX)
    return newest.map(({ digest, answer, at }) => /** @type {const} */ ([digest, answer, at]))
  }

  /**
   * @param {LoadRequest} request
   * @returns {LoadAnswer}
   */
  function load({ appId, userIds, deviceId, pids, withSeen }) {
    const devicePid = deviceId === null ? 0 : Number(deviceOwner.get(appId, deviceId)?.pid ?? 0)
    /** @type {Map<number, ProfileRow>} */
    const rows = new Map()
    /** @param {any} row */
    const add = (row) => {
      if (row === undefined || rows.has(row.pid)) return
      const { pid, userId, doc, wakeAt } = row
      rows.set(pid, { pid, userId, doc, wakeAt, seen: withSeen ? seenOf(pid) : null })
    }
    for (const userId of userIds) add(profileByUser.get(appId, userId))
    for (const pid of [devicePid, ...pids]) if (pid !== 0) add(profileByPid.get(pid))
    return { devicePid, rows: [...rows.values()] }
  }

  /**
   * @param {Step} step
   * @param {Map<number, number | null>} tails of profiles that get their row later in this commit
   */
  function take(step, tails) {
    const { pid } = step
    outbox.take(step)
    if (step.type === 'rename') rename.run(step.userId, pid)
    if (step.type === 'unlink') removeDevices.run(pid)
    if (step.type === 'move') {
      const given = tailOf.get(pid)?.tail ?? null
      if (given !== null) {
        const row = tailOf.get(step.to)
        giveEntries.run(pid, step.to)
        // The oldest of one chain is followed by the newest of the other.
        joinChains.run(pid, row === undefined ? (tails.get(step.to) ?? null) : row.tail)
        setTail.run(null, pid)
        if (row === undefined) tails.set(step.to, given)
        else setTail.run(given, step.to)
      }
      for (const day of days) giveSeen.run(step.to, day, pid)
    }
    if (step.type === 'erase') {
      removeEntries.run(pid)
      setTail.run(null, pid)
      for (const day of days) removeSeen.run(day, pid)
    }
    if (step.type === 'remove') {
      if (step.heir === 0) removeDevices.run(pid)
      else giveDevices.run(step.heir, pid)
      removeProfile.run(pid)
    }
  }

  /** @param {Batch} batch */
  function write(batch) {
    /** @type {Map<number, number | null>} */
    const tails = new Map()
    for (const step of batch.steps) take(step, tails)
    for (const [pid, appId, userId, doc, wakeAt] of batch.inserts) {
      insertProfile.run(pid, appId, userId, doc, wakeAt, wakeAt, tails.get(pid) ?? null)
    }
    /** @type {Map<number, number>} */
    const grown = new Map()
    addEntries(
      batch.entries.map(([pid, data]) => {
        lastEntryId += 1
        grown.set(pid, lastEntryId)
        return [lastEntryId, pid, pid, data]
      }),
    )
    const changed = []
    const changedAndGrown = []
    for (const [pid, doc, wakeAt] of batch.updates) {
      const tail = grown.get(pid)
      if (tail === undefined) changed.push([pid, doc, wakeAt])
      else changedAndGrown.push([pid, doc, wakeAt, tail])
      grown.delete(pid)
    }
    updateProfiles(changed)
    updateWithTails(changedAndGrown)
    setTails([...grown])
    for (const [pid, wakeAt] of batch.arms) lookEarlier.run(wakeAt, pid, wakeAt)
    for (const [appId, deviceId, pid] of batch.devices) {
      if (pid === 0) removeDevice.run(appId, deviceId)
      else saveDevice.run(appId, deviceId, pid)
    }
    addSeen(
      batch.seen.map(([pid, digest, answer, at]) => {
        const day = Math.floor(at / DAY_MS)
        days.add(day)
        return [day, pid, digest, answer, at]
      }),
    )
    for (const [digest, at] of batch.erased) addErased.run(digest, at)
    for (const [appId, doc] of batch.apps) saveApp.run(appId, doc)
    outbox.add(batch.deliveries)
    documents.write(batch)
  }

  return {
    /** @returns {Opened} */
    opened() {
      const meta = new Map(
        database
          .prepare('SELECT name, value FROM meta')
          .all()
          .map(({ name, value }) => [name, value]),
      )
      const erased = prepare('SELECT digest, at FROM erased ORDER BY at').all()
      return {
        nextPid: Number(prepare('SELECT max(pid) AS pid FROM profiles').get()?.pid ?? 0) + 1,
        salt: String(meta.get('salt')),
        horizon: Number(meta.get('horizon')),
        erased: erased.map(({ digest, at }) => [digest, at]),
      }
    },

    /** @param {readonly LoadRequest[]} requests */
    load: (requests) => requests.map(load),

    /** @param {Batch} batch */
    commit(batch) {
      atOnce(() => write(batch))
      // What was erased is overwritten in the file, but the log still has it until it is cut.
      if (batch.steps.some(({ type }) => type === 'erase')) checkpoint.all()
    },

    /** @param {string} file */
    backup(file) {
      prepare('VACUUM INTO ?').run(file)
    },

    apps: () => appDocs.all().map(({ doc }) => /** @type {string} */ (doc)),

    /**
     * @param {number} now
     * @param {number} limit
     */
    overdue(now, limit) {
      for (;;) {
        const rows = toLookAt.all(now, limit)
        const early = rows.filter(({ wakeAt, lookAt }) => wakeAt !== lookAt)
        if (early.length === 0) return rows.map(({ appId, userId }) => ({ appId, userId }))
        atOnce(() => early.forEach(({ pid }) => look.run(pid)))
      }
    },

    /**
     * @param {string} appId
     * @param {string | null} after
     */
    profilePage: (appId, after) => profilesAfter.all(appId, after ?? '', PROFILES_PER_PAGE),

    /**
     * @param {EntryPageQuery} query
     * @returns {EntryPage}
     */
    entryPage({ appId, userId, after }) {
      if (userId === null) {
        const end = after + ENTRIES_PER_PAGE
        const lines = entriesOfApp.all(after, end, appId)
        return { lines: lines, next: end < lastEntryId ? end : null }
      }
      const pid = profileByUser.get(appId, userId)?.pid
      const rows = pid === undefined ? [] : entriesOfProfile.all(pid, after, USER_ENTRIES_PER_PAGE)
      const next = rows.length < USER_ENTRIES_PER_PAGE ? null : rows.at(-1)?.id
      return { lines: rows.map(({ data }) => ({ userId, data })), next }
    },

    ...outbox.calls,
    ...documents.calls,

    /**
     * @param {number} horizon
     * @param {number} failedBefore
     */
    forget(horizon, failedBefore) {
      const past = [...days].filter((day) => (day + 1) * DAY_MS <= horizon)
      atOnce(() => {
        for (const day of past) removeDay.run(day)
        removeErased.run(horizon)
        outbox.forget(failedBefore)
        setMeta.run(horizon, 'horizon')
      })
      for (const day of past) days.delete(day)
      moving.forgetNotes()
    },

    move: moving.move,
    refuseIfHeld: moving.refuseIfHeld,
  }
}

/** @param {SqliteDatabase} database */
function daysOf(database) {
  const rows = database
    .prepare(
      `WITH RECURSIVE days (day) AS (
         SELECT min(day) FROM seen
         UNION ALL SELECT (SELECT min(day) FROM seen WHERE seen.day > days.day) FROM days WHERE day IS NOT NULL)
       SELECT day FROM days WHERE day IS NOT NULL`,
    )
    .all()
  return rows.map(({ day }) => Number(day))
}
