import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { counting, device, profileOf, user, writing } from '../../conformance/turns.ts'
import type { Begun, Changes, MoveCall } from '../moving.ts'
import { type SqliteStore, sqliteStore } from './sqlite-store.ts'

const ANN = 1
const OTHER = 2
const SEEN = [{ key: 'm1', answer: '', at: DAY_MS }]

let folder: string
let store: SqliteStore
let seq: number
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-moving-'))
  store = await sqliteStore({ file: join(folder, 'damson.db') })
  await store.transact(user('ann'), writing(profileOf('ann'), { devices: { d1: 'subject' } }))
  seq = 0
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const ask = async <T>(call: MoveCall) => JSON.parse(await store.move(call)) as T

/** Who was noted since the last time, and of whom it was noted that everything may have changed. */
async function noted(): Promise<{ readonly pids: number[]; readonly whole: number[] }> {
  const found = await ask<Changes>({ ask: 'changes', after: seq, limit: 1_000 })
  seq = found.seq
  const of = (changes: Changes['changes']) => [...new Set(changes.map(({ pid }) => pid))].sort((one, two) => one - two)
  return { pids: of(found.changes), whole: of(found.changes.filter(({ whole }) => whole === 1)) }
}

/** The profile of the other user becomes part of ann's. */
const joining = () =>
  store.transact({ ...device('d2'), otherUserId: 'ann' }, ({ other }) => ({
    answer: null,
    subject: { profile: null, wakeAt: null, history: 'move' },
    other: { profile: other ?? profileOf('ann'), wakeAt: null },
  }))

describe('while a move goes on, what changes is noted:', () => {
  beforeEach(async () => {
    const begun = await ask<Begun>({ ask: 'begin', id: 'move' })
    expect(begun).toMatchObject({ id: 'move', users: 1, seq: 0, moved: null })
  })

  test('whose history grew', async () => {
    await store.transact(user('ann'), counting('ann'))
    expect(await noted()).toEqual({ pids: [ANN], whole: [] })
  })

  test('who is new, with nothing but a name', async () => {
    await store.transact(user('eve'), writing(profileOf('eve')))
    expect(await noted()).toEqual({ pids: [OTHER], whole: [] })
  })

  test('both, when one history is joined to another, whatever there is of it', async () => {
    const kinds = {
      entries: counting('d2'),
      'message ids': writing(profileOf('d2'), { seen: SEEN }),
      deliveries: writing(profileOf('d2'), { deliveries: [{ id: '1', kind: 'k', dueAt: 1, data: '{}' }] }),
    }
    for (const [kind, decide] of Object.entries(kinds)) {
      await store.transact<unknown>(device('d2'), decide)
      const { pids } = await noted()
      const [pid = 0] = pids.filter((one) => one !== ANN)
      await joining()
      const { whole, pids: both } = await noted()
      expect(both, kind).toEqual([ANN, pid])
      expect(whole, kind).toEqual(kind === 'deliveries' ? [pid] : [ANN, pid])
    }
  })

  test('both, when a device goes from one to the other', async () => {
    await store.transact(user('eve'), writing(profileOf('eve'), { devices: { d1: 'subject' } }))
    expect(await noted()).toEqual({ pids: [ANN, OTHER], whole: [] })
  })

  test('who is erased', async () => {
    await store.transact(user('ann'), counting('ann'))
    await noted()
    await store.transact(user('ann'), writing(profileOf('ann'), { subject: erasing }))
    expect(await noted()).toEqual({ pids: [ANN], whole: [ANN] })
  })

  test('whose delivery is claimed, and what came of it', async () => {
    const deliveries = [{ id: '1', kind: 'k', dueAt: 1, data: '{}' }]
    await store.transact(user('ann'), writing(profileOf('ann'), { deliveries }))
    await noted()
    await store.claimDeliveries({ kinds: ['k'], now: 1, limit: 1, leaseMs: 1 })
    expect(await noted()).toEqual({ pids: [ANN], whole: [] })
    await store.settleDelivery('1', 1, { type: 'done' })
    expect(await noted()).toEqual({ pids: [ANN], whole: [] })
  })

  test('and not what is only forgotten, or looked at', async () => {
    await store.transact(user('ann'), writing(profileOf('ann'), { seen: SEEN }, 10))
    await noted()
    await store.overdue(20, 10)
    await store.forget(4 * DAY_MS)
    expect(await noted()).toEqual({ pids: [], whole: [] })
  })

  test('nobody reads or writes while it is held; what was given up stays so, until it is opened after an undo', async () => {
    await ask({ ask: 'hold' })
    await expect(store.transact(user('ann'), counting('ann'))).rejects.toMatchObject({ code: 'STORE_HANDED_OVER' })
    await expect(store.overdue(1, 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    expect(store.isReady?.()).toBe(false)
    await ask({ ask: 'release' })
    expect(await store.transact(user('ann'), counting('ann'))).toBe(1)
    await expect(ask({ ask: 'finish', to: 'there', at: 0 })).rejects.toThrow('in use again')
    await ask({ ask: 'hold' })
    await ask({ ask: 'finish', to: 'there', at: 0 })
    expect(await ask({ ask: 'release' })).toEqual({ isHeld: true })
    await store.close()
    const file = join(folder, 'damson.db')
    await expect(sqliteStore({ file })).rejects.toMatchObject({ code: 'STORE_MOVED' })
    store = await sqliteStore({ file, isForMove: true })
    await ask({ ask: 'undo' })
    await expect(store.transact(user('ann'), counting('ann'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await store.close()
    store = await sqliteStore({ file })
    expect(await store.transact(user('ann'), counting('ann'))).toBe(2)
  })
})

const erasing = { profile: profileOf('ann'), wakeAt: null, history: 'erase' } as const
