import { expect, test } from 'vitest'
import { device, user } from '../../conformance/turns.ts'
import { emptyProfile } from '../../engine/draft.ts'
import { keyOf } from '../shelves.ts'
import type { ProfileRef } from '../store.ts'
import { createDeviceOwners } from './device-owners.ts'
import { loadGuesses } from './guess-load.ts'
import { createRememberedRows } from './remembered.ts'
import type { Task } from './task.ts'
import { keysOf, type Player } from './turns.ts'
import { createWork } from './work.ts'

test('a device whose user is forgotten while others are read is still that of the one remembered', async () => {
  const owners = createDeviceOwners()
  const remembered = createRememberedRows(10)
  const profile = emptyProfile('ann', 0)
  const row = { profile, wakeAt: null, tail: 1, devices: new Set(['phone']), version: '7' }
  remembered.set(keyOf('app_1', 'ann'), row, 10)
  const known = createWork({ salt: '', horizon: 0 })
  known.install('app_1', 'ann', row, null)
  owners.learn(known)
  // In place of the database: it knows nobody, and meanwhile another group has found the device with somebody else.
  const sessions = {
    async reading() {
      owners.forget('app_1', 'phone')
      return { rows: new Map(), seen: new Map(), erased: [] }
    },
  }
  const player = { owners, remembered, sessions, isNarrow: false, salt: '' } as unknown as Player
  const tasks = [device('phone'), user('bob')].map(taskOf)
  const work = createWork({ salt: '', horizon: 0 })
  await loadGuesses(player, tasks, keysOf(player, tasks), work)
  expect(work.rowAt(keyOf('app_1', 'ann'))?.held.profile).toBe(profile)
  expect(work.rowAt(keyOf('app_1', 'bob'))).toBeUndefined()
})

function taskOf(ref: ProfileRef): Task {
  return { ref, isUnsure: false, needsAllSeen: false } as Task
}
