import type { Deliveries, Delivery, DeliveryClaim, DeliveryQuery, Settlement } from '../deliveries.ts'
import type { DeliveryMark } from '../backend.ts'
import { readDeliveries } from '../pages.ts'
import { LRUCache } from 'lru-cache'
import { decodeId, encodeId } from './keys.ts'
import { rowsOf, sendHot } from './load.ts'
import type { Sessions } from './session.ts'
import type { Statements } from './statements.ts'

const DELIVERIES_PER_PAGE = 500
const CLAIMED_REMEMBERED = 100_000

export interface OutboxOptions {
  readonly sessions: Sessions
  readonly statements: Statements
  readonly isNarrow: boolean
}

export interface Outbox extends Deliveries {
  forget(failedBefore: number): Promise<void>
}

const COLUMNS = 'bucket, id, app_id, kind, due_at, data, attempt, failed_at, note'

/** Deliveries lie in the bucket of their user; who claimed one remembers which, and others look for it. */
export function createOutbox({ sessions, statements, isNarrow }: OutboxOptions): Outbox {
  const buckets = new LRUCache<string, number>({ max: CLAIMED_REMEMBERED })
  let claiming: Promise<unknown> = Promise.resolve()

  /** One at a time: claims of one process would only get into each other's way. */
  function claimDeliveries(claim: DeliveryClaim): Promise<readonly Delivery[]> {
    const claimed = claiming.then(() => claimAll(claim))
    claiming = claimed.catch(() => undefined)
    return claimed
  }

  async function claimAll(claim: DeliveryClaim): Promise<readonly Delivery[]> {
    const claimed: Delivery[] = []
    while (claimed.length < claim.limit) {
      const wanted = await sessions.within(({ run }) =>
        run({
          text: `SELECT bucket, id FROM deliveries WHERE failed_at IS NULL AND due_at <= $1 AND kind = ANY($2)
                 ORDER BY due_at, id LIMIT $3`,
          values: [claim.now, claim.kinds, claim.limit - claimed.length],
        }),
      )
      if (wanted.rows.length === 0) break
      const rows = wanted.rows.map(({ bucket, id }) => ({ bucket: Number(bucket), id: String(id) }))
      const found = new Map((await lease(rows, claim)).map((delivery) => [delivery.id, delivery]))
      for (const { id } of rows) {
        const delivery = found.get(decodeId(id))
        if (delivery !== undefined) claimed.push(delivery)
      }
      // All of them are in the hands of others, who will settle them or leave them to their lease.
      if (found.size === 0) break
    }
    return claimed
  }

  /** Takes what is still due of the deliveries that were, one bucket at a time or all at once. */
  async function lease(
    wanted: readonly { readonly bucket: number; readonly id: string }[],
    { now, leaseMs }: DeliveryClaim,
  ): Promise<readonly Delivery[]> {
    const rows = wanted.map(({ bucket, id }) => ({ bucket, id, now, until: now + leaseMs }))
    const parts = isNarrow ? [...new Set(rows.map(({ bucket }) => bucket))].sort((a, b) => a - b) : [0]
    const claimed: Delivery[] = []
    for (const part of parts) {
      const own = isNarrow ? rows.filter(({ bucket }) => bucket === part) : rows
      const found = await sessions.within(async (transaction) =>
        rowsOf(sendHot(transaction, isNarrow, statements.claimDeliveries, own)),
      )
      for (const row of found) {
        const delivery = deliveryOf(row)
        buckets.set(delivery.id, Number(row.bucket))
        claimed.push(delivery)
      }
    }
    return claimed
  }

  async function bucketOfDelivery(id: string): Promise<number | null> {
    const { rows } = await sessions.within(({ run }) =>
      run({ text: 'SELECT bucket FROM deliveries WHERE id = $1', values: [encodeId(id)] }),
    )
    return rows[0] === undefined ? null : Number(rows[0].bucket)
  }

  async function settleDelivery(id: string, attempt: number, settlement: Settlement): Promise<boolean> {
    const known = buckets.get(id)
    buckets.delete(id)
    if (known !== undefined && (await settleIn(known, id, attempt, settlement))) return true
    // It may have moved with its user.
    const bucket = await bucketOfDelivery(id)
    return bucket !== null && bucket !== known && settleIn(bucket, id, attempt, settlement)
  }

  async function settleIn(bucket: number, id: string, attempt: number, settlement: Settlement): Promise<boolean> {
    const held = 'WHERE bucket = $1 AND id = $2 AND attempt = $3 AND failed_at IS NULL'
    const { rowCount } = await sessions.within(({ run }) => {
      const key = [bucket, encodeId(id), attempt]
      switch (settlement.type) {
        case 'done':
          return run({ text: `DELETE FROM deliveries ${held}`, values: key })
        case 'again':
          return run({
            text: `UPDATE deliveries SET due_at = $4, note = $5 ${held}`,
            values: [...key, settlement.dueAt, encodeId(settlement.note)],
          })
        case 'release':
          return run({
            text: `UPDATE deliveries SET due_at = $4, attempt = attempt - 1 ${held}`,
            values: [...key, settlement.dueAt],
          })
        case 'failed':
          return run({
            text: `UPDATE deliveries SET failed_at = $4, note = $5 ${held}`,
            values: [...key, settlement.at, encodeId(settlement.note)],
          })
      }
    })
    return (rowCount ?? 0) > 0
  }

  async function page({ appId, kind, status }: DeliveryQuery, after: DeliveryMark | null): Promise<Delivery[]> {
    const [column, condition] =
      status === 'failed' ? ['failed_at', 'failed_at IS NOT NULL'] : ['due_at', 'failed_at IS NULL']
    const { rows } = await sessions.within(({ run }) =>
      run({
        text: `SELECT ${COLUMNS} FROM deliveries WHERE app_id = $1 AND kind = $2 AND ${condition}
                 AND (${column}, id) > ($3, $4) ORDER BY ${column}, id LIMIT ${DELIVERIES_PER_PAGE}`,
        values: [encodeId(appId), kind, after?.at ?? Number.MIN_SAFE_INTEGER, encodeId(after?.id ?? '')],
      }),
    )
    return rows.map(deliveryOf)
  }

  async function reviveDelivery(appId: string, id: string, dueAt: number): Promise<boolean> {
    const bucket = await bucketOfDelivery(id)
    if (bucket === null) return false
    const { rowCount } = await sessions.within(({ run }) =>
      run({
        text: `UPDATE deliveries SET failed_at = NULL, attempt = 0, due_at = $4
               WHERE bucket = $1 AND id = $2 AND app_id = $3 AND failed_at IS NOT NULL`,
        values: [bucket, encodeId(id), encodeId(appId), dueAt],
      }),
    )
    return (rowCount ?? 0) > 0
  }

  return {
    claimDeliveries,
    settleDelivery,
    deliveries: (query) => readDeliveries(query, (after) => page(query, after)),
    reviveDelivery,
    async forget(failedBefore) {
      await sessions.within(({ run }) =>
        run({ text: 'DELETE FROM deliveries WHERE failed_at < $1', values: [failedBefore] }),
      )
    },
  }
}

function deliveryOf(row: Readonly<Record<string, unknown>>): Delivery {
  return {
    id: decodeId(String(row.id)),
    appId: decodeId(String(row.app_id)),
    kind: String(row.kind),
    dueAt: Number(row.due_at),
    data: String(row.data),
    attempt: Number(row.attempt),
    failedAt: row.failed_at === null ? null : Number(row.failed_at),
    note: row.note === null ? null : decodeId(String(row.note)),
  }
}
