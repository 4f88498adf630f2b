import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Entry } from '../../engine/entries.ts'
import { counting, look, profileOf, user } from '../../conformance/turns.ts'
import type { Store } from '../store.ts'
import { sqliteStore } from './sqlite-store.ts'

const CANARIES = Array.from({ length: 20 }, (_, index) => `canary-${index}-${'qwxz'.repeat(5)}`)
const [USER = '', ANONYMOUS = '', DEVICE = '', SECOND_DEVICE = '', MESSAGE = '', ANSWER = '', ...MORE] = CANARIES

test('twenty canaries of an erased user are in no byte of the folder [D10]', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-'))
  const store = await sqliteStore({ file: join(folder, 'damson.db') })
  const found = () =>
    CANARIES.filter((canary) => readdirSync(folder).some((name) => contains(join(folder, name), canary)))

  await crowd(store)
  await live(store)
  await crowd(store)
  expect(found()).toHaveLength(20 - 1) // The id of a message is never stored, only its digest.

  const erased = store.transact(user(USER), () => ({
    answer: null,
    subject: { profile: null, wakeAt: null, history: 'erase' },
  }))
  await Promise.all([erased, crowd(store)])
  expect(found()).toEqual([])
  expect((await look(store, user(USER, { deviceId: DEVICE }), MESSAGE)).seen).toBe('')
  await crowd(store)
  await store.close()
  expect(found()).toEqual([])
  rmSync(folder, { recursive: true })
})

/** Other users, coming and growing, so that pages split and rows move while the canaries are there. */
async function crowd(store: Store): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const turns = Array.from({ length: 300 }, (_, index) => {
      const userId = `${index % 2 === 0 ? 'canaan' : 'zed'} ${index}`
      const attributes = { filler: 'x'.repeat((index * 37 + round * 911) % 1_500) }
      return store.transact(user(userId), ({ subject }) => ({
        answer: null,
        subject: { profile: { ...(subject ?? profileOf(userId)), attributes }, wakeAt: index },
      }))
    })
    await Promise.all(turns)
  }
}

/** The life of one user, who was anonymous first; each canary is written, some of them again and again. */
async function live(store: Store): Promise<void> {
  await store.transact(user(ANONYMOUS), counting(ANONYMOUS))
  for (const [index, canary] of MORE.entries()) {
    const entry: Entry = {
      kind: 'event',
      at: 0,
      record: canary,
      name: canary,
      params: { [canary]: canary.repeat(index * 9) },
    }
    const name = index === 0 ? ANONYMOUS : USER
    await store.transact(user(name, { deviceId: DEVICE, otherUserId: USER }), ({ subject }) => ({
      answer: null,
      subject: {
        profile: {
          ...(subject ?? profileOf(USER)),
          userId: USER,
          attributes: { ...subject?.attributes, [canary]: canary },
          devices: { [DEVICE]: { name: canary }, [SECOND_DEVICE]: {} },
        },
        wakeAt: index,
        entries: Array.from({ length: index }, () => entry),
      },
      devices: { [DEVICE]: 'subject', [SECOND_DEVICE]: 'subject' },
      seen: [{ key: MESSAGE, answer: ANSWER, at: 0 }],
    }))
  }
}

function contains(path: string, text: string): boolean {
  return readFileSync(path).includes(text)
}
