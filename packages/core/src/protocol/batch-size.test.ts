import { describe, expect, test } from 'vitest'
import { countUsers, isBatchTooLarge } from './batch-size.ts'

describe('the size of a batch', () => {
  const batch = (count: number, users: number) =>
    Array.from({ length: count }, (_, index) => ({ userId: index % users }))

  test('is 500 actions of 50 users at most', () => {
    expect(isBatchTooLarge(batch(500, 50), {})).toBe(false)
    expect(isBatchTooLarge(batch(501, 1), {})).toBe(true)
    expect(isBatchTooLarge(batch(51, 51), {})).toBe(true)
  })

  test('is 10,000 actions for an SDK', () => {
    expect(isBatchTooLarge(batch(10_000, 1), { sdkVersion: '7' })).toBe(false)
    expect(isBatchTooLarge(batch(10_001, 1), { sdkVersion: '7' })).toBe(true)
    expect(isBatchTooLarge(batch(51, 51), { sdkVersion: '7' })).toBe(true)
  })

  test('counts a user once, however the id is written, and one without a user by the device', () => {
    const actions = [
      { userId: 1 },
      { userId: '1' },
      { userId: '1', deviceId: 'd' },
      { deviceId: 'd' },
      { userId: {} },
      {},
    ]
    expect(countUsers(actions, {})).toBe(2)
    expect(countUsers(actions, { userId: 'outer' })).toBe(2)
  })
})
