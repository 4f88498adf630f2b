import { join } from 'node:path'
import { closeDatabase, openDatabase } from '../store/sqlite/database.mjs'
import type { SqliteDatabase } from '../store/sqlite/shape.ts'

/** What a folder holds, by the number of its rows. */
export const COUNTED = ['apps', 'documents', 'profiles', 'devices', 'entries', 'seen', 'deliveries'] as const
export type Counts = Readonly<Record<(typeof COUNTED)[number], number>>

export interface SourceProfile {
  readonly pid: number
  readonly appId: string
  readonly userId: string
  readonly doc: string | null
  readonly wakeAt: number | null
  readonly devices: readonly string[]
  /** In the order in which they were written; each a JSON list. */
  readonly entries: readonly string[]
  readonly seen: readonly {
    readonly day: number
    readonly digest: string
    readonly at: number
    readonly answer: string
  }[]
  readonly deliveries: readonly Readonly<Record<string, unknown>>[]
}

/** The embedded store, row by row. The folder is ours alone while it is open. */
export interface Source {
  /** Names this folder, and salts the digests of its message ids. */
  readonly salt: string
  readonly horizon: number
  readonly counts: Counts
  apps(): readonly { readonly appId: string; readonly doc: string }[]
  documents(): readonly Readonly<Record<string, unknown>>[]
  revisions(): readonly Readonly<Record<string, unknown>>[]
  /** In the order of their pids. */
  profilesAfter(pid: number, limit: number): readonly SourceProfile[]
  close(): void
}

const CHAIN = `WITH RECURSIVE chain (id) AS (
  SELECT tail FROM profiles WHERE pid = ? AND tail IS NOT NULL
  UNION ALL SELECT prev FROM chain JOIN entries USING (id) WHERE prev IS NOT NULL)
  SELECT data FROM chain JOIN entries USING (id) ORDER BY id`

export async function openSource(folder: string): Promise<Source> {
  const file = join(folder, 'damson.db')
  const database: SqliteDatabase = await openDatabase({ file })
  const all = (sql: string, ...values: (string | number)[]) => database.prepare(sql).all(...values)
  const meta = new Map(all('SELECT name, value FROM meta').map(({ name, value }) => [String(name), value]))
  const counts = Object.fromEntries(
    COUNTED.map((table) => [table, Number(all(`SELECT count(*) AS n FROM ${table}`)[0]?.n)]),
  ) as Counts
  const days = all('SELECT DISTINCT day FROM seen').map(({ day }) => Number(day))
  const seenOf = database.prepare('SELECT day, digest, at, answer FROM seen WHERE day = ? AND pid = ?')
  const devicesOf = database.prepare('SELECT device_id FROM devices WHERE pid = ?')
  const entriesOf = database.prepare(CHAIN)
  const deliveriesOf = database.prepare(
    'SELECT id, kind, due_at, failed_at, attempt, note, data FROM deliveries WHERE pid = ?',
  )

  function profileOf(row: Record<string, unknown>): SourceProfile {
    const pid = Number(row.pid)
    return {
      pid,
      appId: String(row.app_id),
      userId: String(row.user_id),
      doc: row.doc === null ? null : String(row.doc),
      wakeAt: row.wake_at === null ? null : Number(row.wake_at),
      devices: devicesOf.all(pid).map((device) => String(device.device_id)),
      entries: entriesOf.all(pid).map(({ data }) => String(data)),
      seen: days.flatMap((day) => seenOf.all(day, pid)) as unknown as SourceProfile['seen'],
      deliveries: deliveriesOf.all(pid),
    }
  }

  return {
    salt: String(meta.get('salt')),
    horizon: Number(meta.get('horizon')),
    counts,
    apps: () =>
      all('SELECT app_id, doc FROM apps ORDER BY rowid').map((row) => ({
        appId: String(row.app_id),
        doc: String(row.doc),
      })),
    documents: () => all('SELECT app_id, kind, id, doc FROM documents'),
    revisions: () => all('SELECT app_id, kind, revision FROM revisions'),
    profilesAfter: (pid, limit) =>
      all('SELECT pid, app_id, user_id, doc, wake_at FROM profiles WHERE pid > ? ORDER BY pid LIMIT ?', pid, limit).map(
        profileOf,
      ),
    close: () => closeDatabase(database, file),
  }
}
