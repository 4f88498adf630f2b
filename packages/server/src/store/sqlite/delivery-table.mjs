// @ts-check

/** @import { Batch, DeliveryMark, Step } from '../backend.ts' */
/** @import { Delivery, DeliveryClaim, DeliveryQuery, Settlement } from '../deliveries.ts' */

const DELIVERIES_PER_PAGE = 500

const COLUMNS = 'id, app_id AS appId, kind, due_at AS dueAt, data, attempt, failed_at AS failedAt, note'

/**
 * @param {(sql: string) => { run(...values: any[]): any, get(...values: any[]): any, all(...values: any[]): any[] }} prepare
 * @param {<T>(write: () => T) => T} atOnce
 */
export function createDeliveryTable(prepare, atOnce) {
  const add = prepare(
    'INSERT INTO deliveries (id, pid, app_id, kind, due_at, attempt, data) VALUES (?, ?, ?, ?, ?, 0, ?)',
  )
  const give = prepare('UPDATE deliveries SET pid = ? WHERE pid = ?')
  const removeOfProfile = prepare('DELETE FROM deliveries WHERE pid = ?')
  const due = prepare(
    `SELECT id FROM deliveries WHERE failed_at IS NULL AND due_at <= ? AND kind IN (SELECT value FROM json_each(?))
     ORDER BY due_at, id LIMIT ?`,
  )
  const lease = prepare(`UPDATE deliveries SET due_at = ?, attempt = attempt + 1 WHERE id = ? RETURNING ${COLUMNS}`)
  const held = prepare('SELECT 1 FROM deliveries WHERE id = ? AND attempt = ? AND failed_at IS NULL')
  const remove = prepare('DELETE FROM deliveries WHERE id = ?')
  const again = prepare('UPDATE deliveries SET due_at = ?, note = ? WHERE id = ?')
  const release = prepare('UPDATE deliveries SET due_at = ?, attempt = attempt - 1 WHERE id = ?')
  const fail = prepare('UPDATE deliveries SET failed_at = ?, note = ? WHERE id = ?')
  const revive = prepare(
    `UPDATE deliveries SET failed_at = NULL, attempt = 0, due_at = ?
     WHERE id = ? AND app_id = ? AND failed_at IS NOT NULL RETURNING id`,
  )
  const forget = prepare('DELETE FROM deliveries WHERE failed_at < ?')
  /** @param {string} column @param {string} condition */
  const page = (column, condition) =>
    prepare(
      `SELECT ${COLUMNS} FROM deliveries WHERE app_id = ? AND kind = ? AND ${condition} AND (${column}, id) > (?, ?)
       ORDER BY ${column}, id LIMIT ${DELIVERIES_PER_PAGE}`,
    )
  const pages = {
    waiting: page('due_at', 'failed_at IS NULL'),
    failed: page('failed_at', 'failed_at IS NOT NULL'),
  }

  return {
    /** @param {Step} step */
    take(step) {
      if (step.type === 'move') give.run(step.to, step.pid)
      if (step.type === 'erase') removeOfProfile.run(step.pid)
    },

    /** @param {Batch['deliveries']} rows */
    add(rows) {
      for (const row of rows) add.run(...row)
    },

    /** @param {number} failedBefore */
    forget(failedBefore) {
      forget.run(failedBefore)
    },

    calls: {
      /**
       * @param {DeliveryClaim} claim
       * @returns {readonly Delivery[]}
       */
      claimDeliveries({ kinds, now, limit, leaseMs }) {
        const ids = due.all(now, JSON.stringify(kinds), limit)
        if (ids.length === 0) return []
        // `all`, because one of the libraries adds a field of its own to what `get` finds.
        return atOnce(() => ids.flatMap(({ id }) => lease.all(now + leaseMs, id)))
      },

      /**
       * @param {string} id
       * @param {number} attempt
       * @param {Settlement} settlement
       */
      settleDelivery(id, attempt, settlement) {
        return atOnce(() => {
          if (held.get(id, attempt) === undefined) return false
          if (settlement.type === 'done') remove.run(id)
          if (settlement.type === 'again') again.run(settlement.dueAt, settlement.note, id)
          if (settlement.type === 'release') release.run(settlement.dueAt, id)
          if (settlement.type === 'failed') fail.run(settlement.at, settlement.note, id)
          return true
        })
      },

      /**
       * @param {DeliveryQuery} query
       * @param {DeliveryMark | null} after
       * @returns {readonly Delivery[]}
       */
      deliveryPage({ appId, kind, status }, after) {
        return pages[status].all(appId, kind, after?.at ?? Number.MIN_SAFE_INTEGER, after?.id ?? '')
      },

      /**
       * @param {string} appId
       * @param {string} id
       * @param {number} dueAt
       */
      reviveDelivery: (appId, id, dueAt) => atOnce(() => revive.get(dueAt, id, appId) !== undefined),
    },
  }
}
