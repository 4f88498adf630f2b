import { insertValues } from './insert-values.ts'
import type { PostgresStatement } from './pool.ts'

/** How wide a statement may reach: one bucket, as Citus needs it, or whatever buckets its rows name. */
export type Width = 'bucket' | 'any'

/** A statement for many rows at once, given as one JSON text; narrow ones are told their bucket. */
export interface Hot {
  (rows: readonly object[], bucket: number): PostgresStatement
  /** Rows in the order in which they are written, as they fit into one statement each; absent: all into one. */
  parts?(rows: readonly object[]): readonly (readonly object[])[]
}

/** Every statement a turn may need. Rows are locked in the order of their keys, and named by bucket first. */
export interface Statements {
  readonly lockProfiles: Hot
  readonly readProfiles: Hot
  readonly readDevices: Hot
  readonly lockDevices: Hot
  readonly seenSome: Hot
  readonly seenAll: Hot
  readonly erasedSome: Hot
  readonly erasedAll: Hot
  readonly updateProfiles: Hot
  readonly updateGuessed: Hot
  readonly insertProfiles: Hot
  readonly deleteProfiles: Hot
  readonly insertDevices: Hot
  readonly updateDevices: Hot
  readonly deleteDevices: Hot
  readonly insertEntries: Hot
  readonly insertSeen: Hot
  readonly insertErased: Hot
  readonly insertDeliveries: Hot
  readonly claimDeliveries: Hot
  readonly lookAgain: Hot
}

export const PROFILE_KEY = 'bucket int, app_id text, user_id text'
/** Which version of its row a profile was decided on. */
export const VERSION = 'version xid, tail_before bigint'
export const IS_VERSION = '(p.xmin = given.version AND p.tail = given.tail_before)'
/** What a turn makes of a profile that keeps its devices. */
export const NEWS = `doc = given.doc, wake_at = given.wake_at, tail = given.tail, look_at = least(p.look_at, given.wake_at)`
interface InsertOptions {
  readonly tail?: string
  readonly key?: readonly string[]
}

const DEVICE_KEY = 'bucket int, app_id text, device_id text'

export function createStatements(width: Width, skipsLocked: boolean): Statements {
  const isNarrow = width === 'bucket'
  const bucketOf = (table: string): string => `${table}.bucket = ${isNarrow ? '$2' : 'given.bucket'}`
  const given = (columns: string): string => `json_to_recordset($1::json) AS given (${columns})`
  const profile = (table: string): string =>
    `${bucketOf(table)} AND ${table}.app_id = given.app_id AND ${table}.user_id = given.user_id`
  const device = `${bucketOf('d')} AND d.app_id = given.app_id AND d.device_id = given.device_id`

  function hot(name: string, text: string): Hot {
    const whole = `damson_${name}_${width}${skipsLocked ? '' : '_wait'}`
    return (rows, bucket) => {
      const json = JSON.stringify(rows)
      return { name: whole, text, values: isNarrow ? [json, bucket] : [json] }
    }
  }

  /** @param key by which columns rows are written in order, besides the bucket */
  function insert(table: string, columns: string, { tail = '', key = [] }: InsertOptions = {}): Hot {
    if (isNarrow) return insertValues(table, columns, tail, key)
    const names = columns.split(', ').map((column) => column.split(' ')[0])
    const order = ['bucket', ...key.map((name) => `${name} COLLATE "C"`)].map((column) => `given.${column}`)
    const orderBy = key.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`
    return hot(
      `insert_${table}`,
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.map((name) => `given.${name}`).join(', ')}
       FROM ${given(columns)}${orderBy}${tail}`,
    )
  }

  const devices = `SELECT d.app_id, d.device_id, d.user_id FROM ${given(DEVICE_KEY)} JOIN devices d ON ${device}`
  const seen = 'SELECT s.app_id, s.user_id, s.digest, s.answer, s.at FROM'
  const erased = 'SELECT e.holder, e.digest, e.at FROM'
  return {
    lockProfiles: hot(
      'lock_profiles',
      `SELECT p.app_id, p.user_id, p.wake_at, p.tail, p.devices, p.doc FROM ${given(PROFILE_KEY)}
       JOIN profiles p ON ${profile('p')} ORDER BY p.bucket, p.app_id, p.user_id FOR UPDATE OF p`,
    ),
    // Of a version that is known already, not the text again.
    readProfiles: hot(
      'read_profiles',
      `SELECT p.app_id, p.user_id, p.xmin::text AS version, p.wake_at, p.tail, ${IS_VERSION} IS TRUE AS is_known,
         CASE WHEN ${IS_VERSION} IS NOT TRUE THEN p.devices END AS devices,
         CASE WHEN ${IS_VERSION} IS NOT TRUE THEN p.doc END AS doc
       FROM ${given(`${PROFILE_KEY}, ${VERSION}`)} JOIN profiles p ON ${profile('p')}`,
    ),
    readDevices: hot('read_devices', devices),
    lockDevices: hot('lock_devices', `${devices} ORDER BY d.bucket, d.app_id, d.device_id FOR UPDATE OF d`),
    seenSome: hot(
      'seen_some',
      `${seen} ${given(`${PROFILE_KEY}, digest text`)} JOIN seen s ON ${profile('s')} AND s.digest = given.digest`,
    ),
    seenAll: hot('seen_all', `${seen} ${given(PROFILE_KEY)} JOIN seen s ON ${profile('s')}`),
    erasedSome: hot(
      'erased_some',
      `${erased} ${given('bucket int, holder text, digest text')} JOIN erased e ON ${bucketOf('e')}
       AND e.holder = given.holder AND e.digest = given.digest`,
    ),
    erasedAll: hot(
      'erased_all',
      `${erased} ${given('bucket int, holder text')} JOIN erased e ON ${bucketOf('e')} AND e.holder = given.holder`,
    ),
    updateProfiles: hot(
      'update_profiles',
      `UPDATE profiles AS p SET ${NEWS}, devices = coalesce(given.devices, p.devices)
       FROM ${given(`${PROFILE_KEY}, doc text, wake_at bigint, tail bigint, devices text[]`)} WHERE ${profile('p')}`,
    ),
    updateGuessed: hot(
      'update_guessed',
      `UPDATE profiles AS p SET ${NEWS}
       FROM ${given(`${PROFILE_KEY}, ${VERSION}, doc text, wake_at bigint, tail bigint`)}
       WHERE ${profile('p')} AND ${IS_VERSION} RETURNING p.app_id, p.user_id, p.xmin::text AS version`,
    ),
    insertProfiles: insert(
      'profiles',
      `${PROFILE_KEY}, doc text, wake_at bigint, look_at bigint, tail bigint, devices text[]`,
      { key: ['app_id', 'user_id'] },
    ),
    deleteProfiles: hot(
      'delete_profiles',
      `DELETE FROM profiles AS p USING ${given(PROFILE_KEY)} WHERE ${profile('p')}`,
    ),
    insertDevices: insert('devices', `${DEVICE_KEY}, user_id text`, { key: ['app_id', 'device_id'] }),
    updateDevices: hot(
      'update_devices',
      `UPDATE devices AS d SET user_id = given.user_id FROM ${given(`${DEVICE_KEY}, user_id text`)} WHERE ${device}`,
    ),
    deleteDevices: hot('delete_devices', `DELETE FROM devices AS d USING ${given(DEVICE_KEY)} WHERE ${device}`),
    insertEntries: insert('entries', `${PROFILE_KEY}, id uuid, day int, data text`),
    insertSeen: insert('seen', `${PROFILE_KEY}, digest text, day int, at bigint, answer text`, {
      tail: ` ON CONFLICT (bucket, app_id, user_id, digest, day) DO UPDATE SET at = excluded.at, answer = excluded.answer`,
    }),
    insertErased: insert('erased', 'bucket int, holder text, digest text, at bigint', {
      tail: ' ON CONFLICT (bucket, holder, digest) DO NOTHING',
    }),
    insertDeliveries: insert(
      'deliveries',
      'bucket int, id text, app_id text, user_id text, kind text, due_at bigint, failed_at bigint, attempt int, note text, data text',
    ),
    claimDeliveries: hot(
      'claim_deliveries',
      `UPDATE deliveries AS t SET due_at = free.until, attempt = t.attempt + 1
       FROM (SELECT e.bucket, e.id, given.until FROM ${given('bucket int, id text, now bigint, until bigint')}
             JOIN deliveries e ON ${bucketOf('e')} AND e.id = given.id
             WHERE e.failed_at IS NULL AND e.due_at <= given.now
             ORDER BY e.bucket, e.id FOR UPDATE OF e${skipsLocked ? ' SKIP LOCKED' : ''}) AS free
       WHERE ${isNarrow ? 't.bucket = $2' : 't.bucket = free.bucket'} AND t.id = free.id
       RETURNING t.bucket, t.id, t.app_id, t.kind, t.due_at, t.data, t.attempt, t.failed_at, t.note`,
    ),
    lookAgain: hot(
      'look_again',
      `UPDATE profiles AS p SET look_at = p.wake_at FROM ${given(PROFILE_KEY)}
       WHERE ${profile('p')} AND p.look_at IS DISTINCT FROM p.wake_at`,
    ),
  }
}
