import { expect, test } from 'vitest'
import { createRememberedRows, type RememberedRow } from './remembered.ts'

const row: RememberedRow = { profile: null, wakeAt: null, tail: 1, devices: new Set(), version: '7' }

test('no more rows are remembered than were allowed, and no more text than 2,000 characters each', () => {
  const rows = createRememberedRows(3)
  for (const key of ['a', 'b', 'c', 'd']) rows.set(key, row, 10)
  expect(['a', 'b', 'c', 'd'].map((key) => rows.get(key) !== undefined)).toEqual([false, true, true, true])
  rows.set('long', row, 5_990)
  expect(['b', 'c', 'd', 'long'].map((key) => rows.get(key) !== undefined)).toEqual([false, false, true, true])
})

test('when guesses are wrong too often, only one group of eight tries them, until they are right again', () => {
  const rows = createRememberedRows(3)
  expect(rows.isWorthIt()).toBe(true)
  for (let n = 0; n < 400; n += 1) rows.note(n % 2 === 0)
  expect(rows.isWorthIt()).toBe(false)
  expect(Array.from({ length: 16 }, () => rows.isTried()).filter(Boolean)).toHaveLength(2)
  for (let n = 0; n < 400; n += 1) rows.note(true)
  expect(rows.isWorthIt()).toBe(true)
  expect(Array.from({ length: 16 }, () => rows.isTried()).filter(Boolean)).toHaveLength(16)
})
