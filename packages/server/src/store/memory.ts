import { randomBytes } from 'node:crypto'
import type { Backend, Batch, LoadRequest, Pid, Step } from './backend.ts'
import { type BookOptions, createBook } from './book.ts'
import { memoryDocuments } from './memory-documents.ts'
import { memoryOutbox } from './memory-outbox.ts'
import type { Store } from './store.ts'

interface Row {
  readonly pid: Pid
  readonly appId: string
  userId: string
  doc: string | null
  wakeAt: number | null
}

interface SeenLine {
  readonly answer: string
  readonly at: number
}

/** Keeps everything in this process, for tests and for trying things out: what the contract means, runnable. */
export function memoryStore(options: BookOptions = {}): Store {
  const salt = randomBytes(16).toString('base64url')
  return createBook(memoryBackend(), { nextPid: 1, salt, horizon: 0, erased: [] }, options)
}

/** The medium of `memoryStore`. Holds texts, as any medium does: it shares no object with anybody. */
export function memoryBackend(): Backend {
  const profiles = new Map<Pid, Row>()
  const names = new Map<string, Row>()
  const devices = new Map<string, Pid>()
  const histories = new Map<Pid, { readonly id: number; readonly data: string }[]>()
  const seen = new Map<Pid, Map<string, SeenLine>>()
  const apps = new Map<string, string>()
  const outbox = memoryOutbox()
  const documents = memoryDocuments()
  let lastId = 0

  function load({ appId, deviceId, userIds, pids, withSeen }: LoadRequest) {
    const devicePid = deviceId === null ? 0 : (devices.get(keyOf(appId, deviceId)) ?? 0)
    const named = userIds.map((userId) => names.get(keyOf(appId, userId)))
    const found = new Set([...named, ...[devicePid, ...pids].map((pid) => profiles.get(pid))])
    found.delete(undefined)
    const rows = [...(found as Set<Row>)].map(({ pid, userId, doc, wakeAt }) => {
      return { pid, userId, doc, wakeAt, seen: withSeen ? seenOf(pid) : null }
    })
    return { devicePid, rows }
  }

  function seenOf(pid: Pid) {
    const lines = [...(seen.get(pid) ?? [])].map(([digest, { answer, at }]) => [digest, answer, at] as const)
    return lines.sort(([, , one], [, , two]) => one - two)
  }

  function take(step: Step): void {
    outbox.take(step)
    const row = profiles.get(step.pid)
    if (step.type === 'rename' && row !== undefined) {
      names.delete(keyOf(row.appId, row.userId))
      row.userId = step.userId
      names.set(keyOf(row.appId, row.userId), row)
    }
    if (step.type === 'remove' && row !== undefined) {
      names.delete(keyOf(row.appId, row.userId))
      profiles.delete(row.pid)
    }
    if (step.type === 'move') {
      const lines = [...(histories.get(step.pid) ?? []), ...(histories.get(step.to) ?? [])]
      histories.set(
        step.to,
        lines.sort((one, two) => one.id - two.id),
      )
      seen.set(step.to, new Map([...(seen.get(step.pid) ?? []), ...(seen.get(step.to) ?? [])]))
    }
    if (step.type === 'move' || step.type === 'erase') {
      histories.delete(step.pid)
      seen.delete(step.pid)
    }
    if (step.type === 'unlink' || step.type === 'remove') {
      const heir = step.type === 'remove' ? step.heir : 0
      for (const [key, pid] of devices) if (pid === step.pid) give(key, heir)
    }
  }

  function give(device: string, pid: Pid): void {
    if (pid === 0) devices.delete(device)
    else devices.set(device, pid)
  }

  function write(batch: Batch): void {
    for (const step of batch.steps) take(step)
    for (const [pid, appId, userId, doc, wakeAt] of batch.inserts) {
      const row = { pid, appId, userId, doc, wakeAt }
      profiles.set(pid, row)
      names.set(keyOf(appId, userId), row)
    }
    for (const [pid, doc, wakeAt] of batch.updates) {
      const row = profiles.get(pid)
      if (row === undefined) throw new Error(`Expected profile ${pid} to have a row, but it has none.`)
      row.doc = doc
      row.wakeAt = wakeAt
    }
    for (const [appId, deviceId, pid] of batch.devices) give(keyOf(appId, deviceId), pid)
    for (const [pid, data] of batch.entries) {
      const lines = histories.get(pid) ?? []
      histories.set(pid, lines)
      lines.push({ id: ++lastId, data })
    }
    for (const [pid, digest, answer, at] of batch.seen) {
      const lines = seen.get(pid) ?? new Map<string, SeenLine>()
      seen.set(pid, lines.set(digest, { answer, at }))
    }
    for (const [appId, doc] of batch.apps) apps.set(appId, doc)
    outbox.add(batch.deliveries)
    documents.write(batch.documents, batch.revisions)
  }

  function rowsOf(appId: string): Row[] {
    const rows = [...profiles.values()].filter((row) => row.appId === appId)
    return rows.sort((one, two) => (one.userId < two.userId ? -1 : 1))
  }

  const { claimDeliveries, settleDelivery, deliveryPage, reviveDelivery } = outbox
  return {
    claimDeliveries,
    settleDelivery,
    deliveryPage,
    reviveDelivery,
    documents: documents.documents,
    revisions: documents.revisions,
    load: async (requests) => requests.map(load),
    commit: async (batch) => write(batch),
    apps: async () => [...apps.values()],
    overdue: async (now, limit) => {
      const due = [...profiles.values()].flatMap(({ appId, userId, wakeAt }) =>
        wakeAt !== null && wakeAt <= now ? [{ appId, userId, wakeAt }] : [],
      )
      return due.sort((one, two) => one.wakeAt - two.wakeAt).slice(0, limit)
    },
    profilePage: async (appId, after) => rowsOf(appId).filter(({ userId }) => after === null || userId > after),
    entryPage: async ({ appId, userId }) => {
      const rows = rowsOf(appId).filter((row) => userId === null || row.userId === userId)
      const lines = rows.flatMap((row) => {
        return (histories.get(row.pid) ?? []).map(({ data }) => ({ userId: row.userId, data }))
      })
      return { lines, next: null }
    },
    forget: async (horizon, failedBefore) => {
      outbox.forget(failedBefore)
      for (const lines of seen.values()) for (const [digest, { at }] of lines) if (at < horizon) lines.delete(digest)
    },
    close: async () => {},
  }
}

function keyOf(appId: string, id: string): string {
  return `${appId}\0${id}`
}
