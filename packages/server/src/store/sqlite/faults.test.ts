import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { all, APP, counting, device, historyOf, look, profileOf, user, writing } from '../../conformance/turns.ts'
import type { Store } from '../store.ts'
import { sqliteStore } from './sqlite-store.ts'

const driver = fileURLToPath(new URL('./fixtures/faulty-driver.js', import.meta.url))

describe('when the disk fails', () => {
  for (const fault of ['FAIL COMMIT', 'FAIL WRITE']) {
    const breaking = (userId: string) => writing(profileOf(userId, { attributes: { fault } }))

    check(`nobody whose turn was in a commit that failed hears of success (${fault})`, async (store) => {
      await store.transact(user('ann'), counting('ann', 'before'))
      const seen = [{ key: 'm1', answer: 'a', at: 0 }]
      // With all of it in memory, turns that come together are committed together.
      for (const userId of ['ann', 'bob', 'eve']) await look(store, user(userId, { deviceId: 'd1' }), 'm1')
      const ends = await Promise.allSettled([
        store.transact(
          user('bob', { deviceId: 'd1' }),
          writing(profileOf('bob'), { seen, devices: { d1: 'subject' } }),
        ),
        store.transact(user('ann'), counting('ann', 'lost')),
        store.transact(user('eve'), breaking('eve')),
        store.transact(user('ann'), counting('ann', 'lost on top')),
        store.transact(user('ann'), ({ subject }) => ({ answer: subject?.eventCount })),
      ])
      for (const end of ends) {
        expect(end).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE', isRetryable: true } })
      }
      expect((await look(store, user('ann'))).subject?.eventCount).toBe(1)
      expect(await look(store, user('bob', { deviceId: 'd1' }), 'm1')).toMatchObject({
        subject: null,
        deviceUserId: null,
        seen: undefined,
      })
      expect(await historyOf(store, 'ann')).toEqual(['before'])
    })

    check(`turns decided on top of a commit that fails later fail with it (${fault})`, async (store) => {
      await store.transact(user('ann'), counting('ann'))
      // The first turn is on its way to the disk when the second is decided.
      const first = store.transact(user('ann'), breaking('ann'))
      const second = new Promise((resolve) => setImmediate(resolve)).then(() =>
        store.transact(user('ann'), counting('ann', 'on top')),
      )
      const ends = await Promise.allSettled([first, second])
      expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      expect(await historyOf(store, 'ann')).toEqual(['e'])
    })

    check(`the next turn works (${fault})`, async (store) => {
      await expect(store.transact(user('ann'), breaking('ann'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      expect(await store.transact(user('ann'), counting('ann'))).toBe(1)
      expect(await store.transact(user('ann'), counting('ann'))).toBe(2)
      expect(await all(store.profiles(APP))).toHaveLength(1)
    })
  }

  check('an erasure that failed has erased nothing', async (store) => {
    const seen = [{ key: 'm1', answer: 'a', at: 0 }]
    await store.transact(device('d1'), writing(profileOf('d1'), { seen }))
    await look(store, user('eve', { deviceId: 'd1' }), 'm1')
    const ends = await Promise.allSettled([
      store.transact(device('d1'), () => ({ answer: 0, subject: { profile: null, wakeAt: null, history: 'erase' } })),
      store.transact(user('eve'), writing(profileOf('eve', { attributes: { fault: 'FAIL COMMIT' } }))),
    ])
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await look(store, device('d1'), 'm1')).seen).toBe('a')
  })

  check('a thread that dies takes its turns with it, and every later call says so', async (store) => {
    await store.transact(user('ann'), counting('ann'))
    const fatal = writing(profileOf('eve', { attributes: { fault: 'END THREAD' } }))
    const unavailable = {
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('the thread of the store has ended'),
    }
    await expect(store.transact(user('eve'), fatal)).rejects.toMatchObject(unavailable)
    await expect(store.transact(user('ann'), counting('ann'))).rejects.toMatchObject(unavailable)
    await expect(store.apps()).rejects.toMatchObject(unavailable)
  })
})

function check(title: string, use: (store: Store) => Promise<void>): void {
  test(title, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-'))
    const store = await sqliteStore({ file: join(folder, 'damson.db'), driver })
    try {
      await use(store)
    } finally {
      await store.close()
      rmSync(folder, { recursive: true })
    }
  })
}
