import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import { expect, onTestFinished, test } from 'vitest'
import { createPerson } from './several/person.ts'
import { openWorld } from './several/world.ts'

const PEOPLE = 2_000
const STEPS = 8
/** How many act at the same time. */
const AT_ONCE = 32

test(
  'three processes behind a balancer, one engine, 2,000 people: the sessions are those of the rules',
  { timeout: 240_000 },
  async () => {
    const world = await openWorld(3)
    onTestFinished(() => world.close())
    const random = numbers(Number(process.env['DAMSON_SEED'] ?? 7))
    const people = Array.from({ length: PEOPLE }, (_, index) => createPerson(world.url, `user-${index}`))

    for (let step = 0; step < STEPS; step += 1) {
      // Each with numbers of their own: who is first at the balancer is chance.
      let acting = people.flatMap((person) => {
        return random() < 0.15 ? [person.act(world.now, numbers(Math.floor(random() * 2 ** 31)))] : []
      })
      while (acting.length > 0) {
        const going: typeof acting = []
        const next = async (): Promise<void> => {
          for (let one = acting.pop(); one !== undefined; one = acting.pop())
            if (!(await one.next()).done) going.push(one)
        }
        await Promise.all(Array.from({ length: AT_ONCE }, next))
        acting = going
        await world.moveTo(world.now() + SECOND_MS)
      }
      // Mostly minutes, now and then hours: some sessions go on, some are over.
      const passed = random() < 0.1 ? 3 * HOUR_MS : MINUTE_MS + Math.floor(random() * 25 * MINUTE_MS)
      await world.moveTo(world.now() + passed)
    }
    await world.moveTo(world.now() + 3 * HOUR_MS)

    const { sessions, spent } = await world.finish()
    const told = new Map<string, unknown>()
    const expected = new Map<string, unknown>()
    for (const person of people) {
      for (const [userId, one] of person.expected()) {
        expected.set(userId, inOrder(one.sessions))
        told.set(userId, inOrder(sessions.get(userId) ?? []))
        expect([userId, cents(spent.get(userId) ?? 0)]).toEqual([userId, cents(one.spent)])
      }
    }
    expect(told).toEqual(expected)
    expect([...sessions.keys()].filter((userId) => !expected.has(userId))).toEqual([])
  },
)

function inOrder<T extends { readonly startedAt: number }>(list: readonly T[]): readonly T[] {
  return list.toSorted((a, b) => a.startedAt - b.startedAt)
}

function cents(amount: number): number {
  return Math.round(amount * 100)
}

/** Some numbers that look random and are the same each time. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}
