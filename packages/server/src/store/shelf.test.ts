import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGroup } from './group.ts'
import { createShelf, type Pinnable } from './shelf.ts'

const durable = (): Pinnable => ({ group: null })

test('what was put first goes first, unless it was asked for', () => {
  const shelf = createShelf<string, Pinnable>(3)
  for (const key of ['a', 'b', 'c']) shelf.put(key, durable())
  shelf.put('d', durable())
  expect(shelf.get('a')).toBeUndefined()
  shelf.get('b')
  shelf.put('e', durable())
  expect(['a', 'b', 'c', 'd', 'e'].filter((key) => shelf.get(key))).toEqual(['b', 'd', 'e'])
})

test('what is not durable stays, however much there is of it, and may go once it is', () => {
  const shelf = createShelf<number, Pinnable>(2)
  const group = createGroup(0)
  for (let key = 0; key < 10; key++) shelf.pin(key, durable(), group)
  for (let key = 0; key < 10; key++) shelf.put(100 + key, durable())
  const kept = () => Array.from({ length: 10 }, (_, key) => key).filter((key) => shelf.get(key) !== undefined)
  expect(kept()).toHaveLength(10)
  for (let key = 0; key < 10; key++) shelf.unpin(key, group)
  shelf.put(200, durable())
  expect(kept().length).toBeLessThanOrEqual(2)
})

test('never holds more than it may besides what is not durable, and finds what it holds', () => {
  const step = fc.tuple(fc.constantFrom('put', 'pin', 'unpin', 'get', 'remove'), fc.nat(20))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, max) => {
      const shelf = createShelf<number, Pinnable>(max)
      const group = createGroup(0)
      const pinned = new Set<number>()
      for (const [type, key] of steps) {
        if (type === 'put' && !pinned.has(key)) shelf.put(key, durable())
        if (type === 'pin') {
          shelf.pin(key, shelf.get(key) ?? durable(), group)
          pinned.add(key)
        }
        if (type === 'unpin') {
          shelf.unpin(key, group)
          pinned.delete(key)
        }
        if (type === 'get') shelf.get(key)
        if (type === 'remove') {
          shelf.remove(key)
          pinned.delete(key)
        }
        for (const held of pinned) expect(shelf.get(held)?.group).toBe(group)
      }
      for (const held of pinned) shelf.unpin(held, group)
      shelf.put(99, durable())
      const held = [99, ...Array.from({ length: 21 }, (_, key) => key)].filter((key) => shelf.get(key) !== undefined)
      expect(held.length).toBeLessThanOrEqual(max)
    }),
  )
})
