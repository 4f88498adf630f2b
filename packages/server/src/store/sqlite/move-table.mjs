// @ts-check

/** @import { Begun, Changes, Counts, Held, MoveCall, Moved, ProfileState, Rest, Wanted } from '../moving.ts' */
/** @import { SqliteDatabase } from './shape.ts' */

export const DAY_MS = 86_400_000
/** An answer has about so many characters: long enough to be worth the asking, short enough that commits hardly wait. */
const ANSWER_LENGTH = 200_000
/** A move that nobody goes on with is forgotten after so many notes. */
const NOTES_MAX = 5_000_000

const COUNTED = /** @type {const} */ (['apps', 'documents', 'profiles', 'devices', 'entries', 'seen', 'deliveries'])

/** Notes one profile; SQL takes no parameters in a trigger. @param {string} pid @param {0 | 1} whole */
const note = (pid, whole) => `INSERT INTO changes (pid, whole) VALUES (${pid}, ${whole});`

/**
 * What is noted while a move is under way. Entries are only ever added together with their profile's new tail; a history
 * that was joined or erased shows in the oldest of its entries, or in a tail that is gone. Days that are forgotten are not
 * noted, because `horizon` says it.
 */
const TRIGGERS = [
  ['profile_added', 'AFTER INSERT ON profiles', note('NEW.pid', 0)],
  ['profile_changed', 'AFTER UPDATE OF user_id, doc, wake_at, tail ON profiles', note('NEW.pid', 0)],
  ['profile_erased', 'AFTER UPDATE OF tail ON profiles WHEN NEW.tail IS NULL', note('NEW.pid', 1)],
  ['profile_removed', 'AFTER DELETE ON profiles', note('OLD.pid', 1)],
  [
    'entries_given',
    'AFTER UPDATE OF pid ON entries WHEN NEW.prev IS NULL',
    `${note('OLD.pid', 1)} ${note('NEW.pid', 1)}`,
  ],
  [
    'seen_added',
    'AFTER INSERT ON seen',
    'INSERT INTO changes (pid, whole, day, digest) VALUES (NEW.pid, 0, NEW.day, NEW.digest);',
  ],
  ['seen_given', 'AFTER UPDATE OF pid ON seen', `${note('OLD.pid', 1)} ${note('NEW.pid', 1)}`],
  // REPLACE removes the row before without a word, so whose it was is asked first.
  [
    'device_taken',
    'BEFORE INSERT ON devices',
    `INSERT INTO changes (pid, whole) SELECT pid, 0 FROM devices
     WHERE app_id = NEW.app_id AND device_id = NEW.device_id;`,
  ],
  ['device_added', 'AFTER INSERT ON devices', note('NEW.pid', 0)],
  ['device_given', 'AFTER UPDATE ON devices', `${note('OLD.pid', 0)} ${note('NEW.pid', 0)}`],
  ['device_removed', 'AFTER DELETE ON devices', note('OLD.pid', 0)],
  ['delivery_added', 'AFTER INSERT ON deliveries', note('NEW.pid', 0)],
  ['delivery_changed', 'AFTER UPDATE ON deliveries', `${note('OLD.pid', 0)} ${note('NEW.pid', 0)}`],
  ['delivery_removed', 'AFTER DELETE ON deliveries', note('OLD.pid', 0)],
]

/** The entries of a profile that are newer than one; new ones are hooked to its end, so the walk stops at the first old one. */
const NEWER = `WITH RECURSIVE chain (id) AS (
  SELECT tail FROM profiles WHERE pid = ?1 AND tail > ?2
  UNION ALL SELECT prev FROM chain JOIN entries USING (id) WHERE prev > ?2)
  SELECT id, data FROM chain JOIN entries USING (id) ORDER BY id`

/**
 * The embedded store as a move sees it. Every answer is of one instant, because the thread does one thing at a time.
 * @param {SqliteDatabase} database
 * @param {<T>(write: () => T) => T} atOnce
 * @param {ReadonlySet<number>} days of which there are message ids
 */
export function createMoveTable(database, atOnce, days) {
  /** Rows are what the statement says; that is not checked. @param {string} sql @returns {{ run(...values: any[]): any, get(...values: any[]): any, all(...values: any[]): any[] }} */
  const prepare = (sql) => database.prepare(sql)
  const metaOf = prepare('SELECT value FROM meta WHERE name = ?')
  const setMeta = prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)')
  const removeMeta = prepare('DELETE FROM meta WHERE name = ?')
  const newest = prepare("SELECT coalesce(max(seq), 0) AS seq FROM sqlite_sequence WHERE name = 'changes'")
  const oldest = prepare('SELECT min(seq) AS seq FROM changes')
  const changesAfter = prepare('SELECT seq, pid, whole, day, digest FROM changes WHERE seq > ? ORDER BY seq LIMIT ?')
  const forgetChanges = prepare('DELETE FROM changes WHERE seq <= ?')
  const columns = 'SELECT pid, app_id AS appId, user_id AS userId, doc, wake_at AS wakeAt FROM profiles'
  const after = prepare(`${columns} WHERE pid > ? ORDER BY pid LIMIT ?`)
  const one = prepare(`${columns} WHERE pid = ?`)
  const devicesOf = prepare('SELECT device_id AS id FROM devices WHERE pid = ? ORDER BY device_id')
  const newer = prepare(NEWER)
  const seenOf = prepare('SELECT day, digest, at, answer FROM seen WHERE day = ? AND pid = ? ORDER BY digest')
  const oneSeen = prepare('SELECT day, digest, at, answer FROM seen WHERE day = ? AND pid = ? AND digest = ?')
  const deliveriesOf = prepare(
    'SELECT id, kind, due_at, failed_at, attempt, note, data FROM deliveries WHERE pid = ? ORDER BY id',
  )

  /** @returns {Moved | null} */
  const readMoved = () => {
    const text = metaOf.get('moved')?.value
    return text === undefined ? null : JSON.parse(text)
  }

  let moved = readMoved()
  let isHeld = moved !== null

  const horizonNow = () => Number(metaOf.get('horizon')?.value ?? 0)
  /** Message ids of days before it are gone, also when one of them was written after they were forgotten. */
  const firstDay = () => Math.floor(horizonNow() / DAY_MS)

  /**
   * @param {any} row
   * @param {number} first of the days whose message ids are told
   * @param {Wanted} [wanted]
   * @returns {ProfileState}
   */
  function stateOf(row, first, wanted) {
    const { pid, appId, userId, doc, wakeAt } = row
    const known = wanted?.known ?? null
    const isWhole = known === null || known.appId !== appId || known.userId !== userId
    const seen = isWhole
      ? [...days].filter((day) => day >= first).flatMap((day) => seenOf.all(day, pid))
      : (wanted?.seen ?? []).flatMap(([day, digest]) => (day < first ? [] : oneSeen.all(day, pid, digest)))
    return {
      pid,
      appId,
      userId,
      doc,
      wakeAt,
      devices: devicesOf.all(pid).map(({ id }) => id),
      isWhole,
      entries: newer.all(pid, isWhole ? 0 : known.entry).map(({ id, data }) => [id, data]),
      seen: seen.map(({ day, digest, at, answer }) => ({ day, digest, at, answer })),
      deliveries: deliveriesOf.all(pid).map(({ id, kind, due_at, failed_at, attempt, note: text, data }) => {
        return { id, kind, due_at, failed_at, attempt, note: text, data }
      }),
    }
  }

  /**
   * As JSON: the thread that answers requests has only to pass it on.
   * @param {Iterable<(first: number) => ProfileState | null>} reads
   */
  function statesText(reads) {
    const first = firstDay()
    const texts = []
    let length = 0
    for (const read of reads) {
      const text = JSON.stringify(read(first))
      texts.push(text)
      length += text.length
      if (length >= ANSWER_LENGTH) break
    }
    return `{"states":[${texts.join(',')}],"horizon":${horizonNow()}}`
  }

  /** @param {string} table */
  function countOf(table) {
    const kept = table === 'seen' ? ` WHERE day >= ${firstDay()}` : ''
    return Number(prepare(`SELECT count(*) AS n FROM ${table}${kept}`).get().n)
  }

  function stopNoting() {
    for (const [name] of TRIGGERS) database.exec(`DROP TRIGGER IF EXISTS noting_${name}`)
    prepare('DELETE FROM changes').run()
    removeMeta.run('moving')
  }

  /** @returns {Held} */
  const held = () => ({ isHeld })

  const answers = {
    /** @param {{ id: string }} call @returns {Begun} */
    begin({ id }) {
      if (moved === null && metaOf.get('moving') === undefined)
        atOnce(() => {
          for (const [name, when, what] of TRIGGERS)
            database.exec(`CREATE TRIGGER noting_${name} ${when} BEGIN ${what} END`)
          setMeta.run('moving', id)
        })
      return {
        id: metaOf.get('moving')?.value ?? null,
        salt: String(metaOf.get('salt')?.value),
        users: Number(prepare('SELECT count(*) AS n FROM profiles').get().n),
        seq: Number(newest.get().seq),
        moved,
      }
    },

    /** @param {{ after: number, limit: number }} call */
    page: (call) => statesText(after.all(call.after, call.limit).map((row) => (first) => stateOf(row, first))),

    /** @param {{ wanted: readonly Wanted[] }} call */
    states: ({ wanted }) =>
      statesText(
        wanted.map((profile) => (first) => {
          const row = one.get(profile.pid)
          return row === undefined ? null : stateOf(row, first, profile)
        }),
      ),

    /** @param {{ after: number, limit: number }} call @returns {Changes} */
    changes({ after: seq, limit }) {
      atOnce(() => forgetChanges.run(seq))
      const changes = changesAfter.all(seq, limit)
      return {
        changes: changes.map(({ pid, whole, day, digest }) => ({ pid, whole, day, digest })),
        seq: changes.at(-1)?.seq ?? seq,
        isEnd: changes.length < limit,
      }
    },

    /** @returns {Rest} */
    rest: () => ({
      apps: prepare('SELECT app_id, doc FROM apps ORDER BY rowid').all(),
      documents: prepare('SELECT app_id, kind, id, doc FROM documents').all(),
      revisions: prepare('SELECT app_id, kind, revision FROM revisions').all(),
      horizon: horizonNow(),
      counts: /** @type {Counts} */ (Object.fromEntries(COUNTED.map((table) => [table, countOf(table)]))),
    }),

    hold() {
      isHeld = true
      return held()
    },

    release() {
      isHeld = moved !== null
      return held()
    },

    /** @param {{ to: string, at: number }} call */
    finish({ to, at }) {
      if (!isHeld) throw new Error('the folder is in use again, because the hand-over took too long')
      const id = metaOf.get('moving')?.value
      if (id === undefined) throw new Error('the move was undone meanwhile')
      const gone = { id: String(id), to, at }
      atOnce(() => {
        setMeta.run('moved', JSON.stringify(gone))
        stopNoting()
      })
      moved = gone
      return held()
    },

    undo() {
      atOnce(() => {
        removeMeta.run('moved')
        stopNoting()
      })
      // Whoever owned it while it moved has nothing of what happened elsewhere: only who opens it anew may use it.
      return held()
    },
  }

  return {
    /** @throws {Error} while everything is being handed over, and after that */
    refuseIfHeld() {
      if (isHeld) throw new Error('everything here is moving to a PostgreSQL, and its server answers from there')
    },

    /** @param {MoveCall} call @returns {string} JSON */
    move(call) {
      const answer = /** @type {any} */ (answers)[call.ask](call)
      return typeof answer === 'string' ? answer : JSON.stringify(answer)
    },

    /** A move that was never finished must not fill the disk. */
    forgetNotes() {
      const first = oldest.get().seq
      if (first !== null && newest.get().seq - first > NOTES_MAX) atOnce(stopNoting)
    },
  }
}
