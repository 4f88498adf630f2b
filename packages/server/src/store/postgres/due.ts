import type { EpochMs } from '@damson/core'
import type { ProfileRef } from '../store.ts'
import { decodeId } from './keys.ts'
import { sendHot } from './load.ts'
import type { Sessions } from './session.ts'
import type { Statements } from './statements.ts'

export interface DueOptions {
  readonly sessions: Sessions
  readonly statements: Statements
  readonly isNarrow: boolean
}

/**
 * Profiles whose time has come, earliest first, out of the buckets this process looks after. What was looked at too early is
 * given the time it has now, and looked for again.
 */
export async function overdue(
  { sessions, statements, isNarrow }: DueOptions,
  now: EpochMs,
  limit: number,
  buckets: readonly number[],
): Promise<readonly ProfileRef[]> {
  for (;;) {
    const { rows } = await sessions.within(({ run }) =>
      run({
        text: `SELECT bucket, app_id, user_id, wake_at, look_at FROM profiles
               WHERE look_at <= $1 AND bucket = ANY($3) ORDER BY look_at LIMIT $2`,
        values: [now, limit, buckets],
      }),
    )
    const early = rows.filter(({ wake_at: wakeAt, look_at: lookAt }) => wakeAt !== lookAt)
    if (early.length === 0) {
      return rows.map((row) => ({
        appId: decodeId(String(row.app_id)),
        userId: decodeId(String(row.user_id)),
        deviceId: null,
        needsSeen: false,
      }))
    }
    const keys = early.map((row) => ({ bucket: Number(row.bucket), app_id: row.app_id, user_id: row.user_id }))
    const buckets64 = [...new Set(keys.map(({ bucket }) => bucket))].sort((one, two) => one - two)
    for (const bucket of isNarrow ? buckets64 : [0]) {
      const own = isNarrow ? keys.filter((key) => key.bucket === bucket) : keys
      await sessions.within(async (transaction) => {
        await Promise.all(sendHot(transaction, isNarrow, statements.lookAgain, own))
      })
    }
  }
}
