import { randomUUID } from 'node:crypto'
import { BUCKETS } from './keys.ts'
import type { PostgresStatement } from './pool.ts'
import type { Sessions } from './session.ts'

/** A holder that shows no sign of life for so long has lost its buckets. By the watch of whoever looks, not by a clock. */
const LEASE_MS = 15_000
const RENEW_MS = 5_000
const KIND = 'sweep'
/** Under this kind each process says, in bucket 0, that it is there. */
const MEMBER = 'member '

interface Beat {
  readonly holder: string
  readonly beat: number
  readonly bucket: number
  readonly kind: string
}

interface Put {
  readonly bucket: number
  readonly kind: string
  /** What has to be there for it still. */
  readonly before: Beat | null
  readonly holder: string
}

/** Which buckets this process looks after, so that several do not settle the same users. */
export interface Leases {
  /** Those it holds now; renews, takes over and gives up as need be. */
  held(): Promise<readonly number[]>
  /** Leaves all of them to others at once. */
  release(): Promise<void>
}

/**
 * Buckets are shared out evenly among the processes that show signs of life. Each renews its leases by counting them up; who
 * sees the same count for `LEASE_MS` of its own time takes over, on condition that the count is still the same. So nobody's
 * clock is compared with anybody else's, and two that both think they hold a bucket settle the same users twice at worst,
 * which changes nothing.
 */
export function createLeases(sessions: Sessions, watch: () => number = () => performance.now()): Leases {
  const self = randomUUID()
  const known = new Map<string, { readonly beat: string; readonly since: number }>()
  let renewedAt = -Infinity
  let current: readonly number[] = []
  let renewing: Promise<void> | null = null

  /** Whether the count moved lately, as far as this process has seen. */
  function isAlive({ bucket, kind, holder, beat }: Beat): boolean {
    const [key, now] = [`${bucket} ${kind}`, watch()]
    const sign = `${holder} ${beat}`
    const seen = known.get(key)
    if (seen?.beat !== sign) known.set(key, { beat: sign, since: now })
    return seen?.beat !== sign || now - seen.since < LEASE_MS
  }

  async function renew(): Promise<void> {
    const rows = await read()
    const alive = rows.filter((row) => row.holder === self || isAlive(row))
    const members = new Set(alive.flatMap(({ kind, holder }) => (kind.startsWith(MEMBER) ? [holder] : [])))
    members.add(self)
    const fair = Math.ceil(BUCKETS / members.size)
    const leases = new Map(rows.flatMap((row) => (row.kind === KIND ? [[row.bucket, row] as const] : [])))
    const taken = new Set(alive.flatMap(({ kind, holder, bucket }) => (kind === KIND && holder !== '' ? [bucket] : [])))
    const mine = [...leases.values()].flatMap(({ holder, bucket }) => (holder === self ? [bucket] : []))
    const surplus = mine.slice(fair)
    const free = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => !taken.has(bucket))
    const wanted = [...mine.slice(0, fair), ...free.slice(0, Math.max(0, fair - mine.length))]
    const put = (bucket: number, holder: string) => ({ bucket, kind: KIND, before: leases.get(bucket) ?? null, holder })
    const puts = [
      { bucket: 0, kind: `${MEMBER}${self}`, before: null, holder: self },
      ...surplus.map((bucket) => put(bucket, '')),
      ...wanted.map((bucket) => put(bucket, self)),
    ]
    const gone = rows.filter(({ kind, holder }) => kind.startsWith(MEMBER) && !members.has(holder))
    const held = await write(puts, gone)
    current = held
    renewedAt = watch()
  }

  async function read(): Promise<readonly Beat[]> {
    const { rows } = await sessions.within(({ run }) => run({ text: 'SELECT bucket, kind, holder, beat FROM leases' }))
    return rows.map((row) => ({
      bucket: Number(row.bucket),
      kind: String(row.kind),
      holder: String(row.holder),
      beat: Number(row.beat),
    }))
  }

  /** @returns the buckets that are ours now; where somebody else was faster, they are not */
  function write(puts: readonly Put[], gone: readonly Beat[]): Promise<readonly number[]> {
    return sessions.within(async ({ run }) => {
      const sorted = [...puts].sort((one, two) => one.bucket - two.bucket)
      const results = await Promise.all(sorted.map((put) => run(statementOf(put))))
      for (const { kind } of gone)
        void run({ text: 'DELETE FROM leases WHERE bucket = $1 AND kind = $2', values: [0, kind] })
      return sorted.flatMap(({ kind, holder, bucket }, index) => {
        const isOurs = kind === KIND && holder === self && (results[index]?.rowCount ?? 0) > 0
        return isOurs ? [bucket] : []
      })
    })
  }

  return {
    async held() {
      if (watch() - renewedAt >= RENEW_MS) {
        renewing ??= renew().finally(() => (renewing = null))
        await renewing
      }
      return current
    },
    async release() {
      if (renewedAt === -Infinity) return
      await renewing
      await sessions.within(async ({ run }) => {
        void run({ text: 'DELETE FROM leases WHERE bucket = $1 AND kind = $2', values: [0, `${MEMBER}${self}`] })
        await run({
          text: `UPDATE leases SET holder = '', beat = beat + 1 WHERE kind = $1 AND holder = $2`,
          values: [KIND, self],
        })
      })
    },
  }
}

function statementOf({ bucket, kind, before, holder }: Put): PostgresStatement {
  if (before === null) {
    return {
      text: `INSERT INTO leases (bucket, kind, holder, beat) VALUES ($1, $2, $3, 1)
             ON CONFLICT (bucket, kind) DO UPDATE SET beat = leases.beat + 1
             WHERE leases.bucket = $1 AND leases.holder = excluded.holder`,
      values: [bucket, kind, holder],
    }
  }
  return {
    text: `UPDATE leases SET holder = $3, beat = beat + 1
           WHERE bucket = $1 AND kind = $2 AND holder = $4 AND beat = $5`,
    values: [bucket, kind, holder, before.holder, before.beat],
  }
}
