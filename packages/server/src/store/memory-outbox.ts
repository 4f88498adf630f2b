import type { Backend, Batch, Pid, Step } from './backend.ts'
import type { Delivery } from './deliveries.ts'

type OutboxCalls = Pick<Backend, 'claimDeliveries' | 'settleDelivery' | 'deliveryPage' | 'reviveDelivery'>

export interface MemoryOutbox extends OutboxCalls {
  take(step: Step): void
  add(rows: Batch['deliveries']): void
  forget(failedBefore: number): void
}

interface Row {
  pid: Pid
  delivery: Delivery
}

/** The deliveries of the memory backend. */
export function memoryOutbox(): MemoryOutbox {
  const rows = new Map<string, Row>()

  function change(row: Row, fields: Partial<Delivery>): void {
    row.delivery = { ...row.delivery, ...fields }
  }

  return {
    take(step) {
      for (const [id, row] of rows) {
        if (row.pid !== step.pid) continue
        if (step.type === 'move') row.pid = step.to
        if (step.type === 'erase') rows.delete(id)
      }
    },
    add(added) {
      for (const [id, pid, appId, kind, dueAt, data] of added) {
        if (rows.has(id)) throw new Error(`Expected the id of a delivery to be new, but ${id} is taken.`)
        rows.set(id, { pid, delivery: { id, appId, kind, dueAt, data, attempt: 0, failedAt: null, note: null } })
      }
    },
    forget(failedBefore) {
      for (const [id, { delivery }] of rows)
        if (delivery.failedAt !== null && delivery.failedAt < failedBefore) rows.delete(id)
    },
    async claimDeliveries({ kinds, now, limit, leaseMs }) {
      const due = [...rows.values()].filter(({ delivery: { kind, dueAt, failedAt } }) => {
        return failedAt === null && dueAt <= now && kinds.includes(kind)
      })
      const first = due.sort((one, two) => inOrder(one.delivery, two.delivery)).slice(0, limit)
      for (const row of first) change(row, { dueAt: now + leaseMs, attempt: row.delivery.attempt + 1 })
      return first.map(({ delivery }) => delivery)
    },
    async settleDelivery(id, attempt, settlement) {
      const row = rows.get(id)
      if (row === undefined || row.delivery.attempt !== attempt || row.delivery.failedAt !== null) return false
      if (settlement.type === 'done') rows.delete(id)
      if (settlement.type === 'again') change(row, { dueAt: settlement.dueAt, note: settlement.note })
      if (settlement.type === 'release') change(row, { dueAt: settlement.dueAt, attempt: attempt - 1 })
      if (settlement.type === 'failed') change(row, { failedAt: settlement.at, note: settlement.note })
      return true
    },
    async deliveryPage({ appId, kind, status }, after) {
      const wanted = [...rows.values()].flatMap(({ delivery }) => {
        const isWanted = delivery.appId === appId && delivery.kind === kind
        return isWanted && (delivery.failedAt !== null) === (status === 'failed') ? [delivery] : []
      })
      const mark = after === null ? null : { dueAt: after.at, failedAt: null, id: after.id }
      return wanted.sort(inOrder).filter((delivery) => mark === null || inOrder(mark, delivery) < 0)
    },
    async reviveDelivery(appId, id, dueAt) {
      const row = rows.get(id)
      if (row === undefined || row.delivery.appId !== appId || row.delivery.failedAt === null) return false
      change(row, { failedAt: null, attempt: 0, dueAt })
      return true
    },
  }
}

type Timed = Pick<Delivery, 'id' | 'dueAt' | 'failedAt'>

function inOrder(one: Timed, two: Timed): number {
  return (one.failedAt ?? one.dueAt) - (two.failedAt ?? two.dueAt) || (one.id < two.id ? -1 : one.id > two.id ? 1 : 0)
}
