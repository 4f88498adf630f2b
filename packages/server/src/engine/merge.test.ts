import { DEFAULT_SESSION_RULES, NO_SESSION } from '@damson/core/session'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyProfile } from './draft.ts'
import { merged } from './merge.ts'
import type { Profile, Tally } from './profile.ts'

const instant = fc.integer({ min: 0, max: 1_000 })
const tally: fc.Arbitrary<Tally> = fc.record(
  { count: fc.nat(9), value: fc.integer({ min: -9, max: 9 }), firstAt: instant, lastAt: instant },
  { requiredKeys: ['count', 'firstAt', 'lastAt'] },
)
const name = fc.constantFrom('a', 'b', 'c', 'hasOwnProperty')
const profile = (userId: string): fc.Arbitrary<Profile> =>
  fc
    .record({
      createdAt: instant,
      lastActiveAt: fc.option(instant),
      totalSessions: fc.nat(9),
      timeInAppMs: fc.nat(9_000),
      eventCount: fc.nat(99),
      events: fc.dictionary(name, tally),
      states: fc.dictionary(name, tally),
      attributes: fc.dictionary(name, fc.oneof(fc.string(), fc.array(fc.integer({ max: 3, min: 0 })))),
      devices: fc.dictionary(name, fc.constant({ systemName: 'iOS' })),
    })
    .map((fields) => ({ ...emptyProfile(userId, 0), ...fields }))

const totals = ({ events, states }: Profile) => {
  const sum = (map: Profile['events'], pick: (tally: Tally) => number) =>
    Object.values(map).reduce((all, one) => all + pick(one), 0)
  return [sum(events, (one) => one.count), sum(events, (one) => one.value ?? 0), sum(states, (one) => one.count)]
}

test('merging loses no count, no value, no session, no device and no second [U-09]', () => {
  fc.assert(
    fc.property(profile('alice'), profile('d1'), (target, anonymous) => {
      const both = merged(target, anonymous, DEFAULT_SESSION_RULES)
      const [one, other] = [totals(target), totals(anonymous)]
      expect(totals(both)).toEqual(one.map((count, index) => count + other[index]!))
      expect(both.totalSessions).toBe(target.totalSessions + anonymous.totalSessions)
      expect(both.timeInAppMs).toBe(target.timeInAppMs + anonymous.timeInAppMs)
      expect(Object.keys(both.devices).sort()).toEqual(
        [...new Set([...Object.keys(target.devices), ...Object.keys(anonymous.devices)])].sort(),
      )
      expect(both.userId).toBe('alice')
    }),
  )
})

test("the target's values win, what it lacks is taken over, and times are the outermost [U-09]", () => {
  fc.assert(
    fc.property(profile('alice'), profile('d1'), (target, anonymous) => {
      const both = merged(target, anonymous, DEFAULT_SESSION_RULES)
      for (const [key, value] of Object.entries(anonymous.attributes)) {
        const ours = Object.hasOwn(target.attributes, key) ? target.attributes[key] : undefined
        if (ours === undefined) expect(both.attributes[key]).toEqual(value)
        else if (typeof ours === 'string' && typeof value === 'string') expect(both.attributes[key]).toBe(ours)
        else expect(new Set([both.attributes[key]].flat())).toEqual(new Set([ours, value].flat()))
      }
      expect(both.createdAt).toBe(Math.min(target.createdAt, anonymous.createdAt))
      expect(both.lastActiveAt).toBe(
        target.lastActiveAt === null && anonymous.lastActiveAt === null
          ? null
          : Math.max(target.lastActiveAt ?? 0, anonymous.lastActiveAt ?? 0),
      )
    }),
  )
})

test('merging an empty profile changes nothing but what is counted [U-09]', () => {
  fc.assert(
    fc.property(profile('alice'), (target) => {
      const nothing = { ...emptyProfile('d1', target.createdAt), lastActiveAt: target.lastActiveAt }
      expect(merged(target, nothing, DEFAULT_SESSION_RULES)).toEqual(target)
    }),
  )
})

test('of two lanes of one device the open one goes on, and past sessions stay in order and apart', () => {
  const past = (id: string, startedAt: number, endedAt: number) => ({
    id,
    startedAt,
    endedAt,
    pausedMs: 0,
    growing: false,
  })
  const run = { id: 'now', startedAt: 100, lastActivityAt: 120, pausedMs: 0, state: null }
  const target = {
    ...emptyProfile('alice', 0),
    sessions: { d1: { ...NO_SESSION, past: [past('b', 30, 50), past('late', 90, 110)] } },
  }
  const anonymous = {
    ...emptyProfile('d1', 0),
    sessions: { d1: { phase: 'active' as const, run, past: [past('a', 0, 20), past('c', 40, 60)], offline: null } },
  }
  const lane = merged(target, anonymous, DEFAULT_SESSION_RULES).sessions.d1!
  expect(lane).toMatchObject({ phase: 'active', run: { id: 'now' } })
  expect(lane.past.map(({ id }) => id)).toEqual(['a', 'b'])
})
