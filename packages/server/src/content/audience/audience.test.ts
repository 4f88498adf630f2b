import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyProfile } from '../../engine/draft.ts'
import type { Profile } from '../../engine/profile.ts'
import { memoryStore } from '../../store/memory.ts'
import { postgresStore } from '../../store/postgres/postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase } from '../../store/postgres/testing.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import type { Store } from '../../store/store.ts'
import { audienceOf, ExpressionError } from './index.ts'
import { models, traits } from './naive-audience.ts'

const NOW = 1_700_000_000_000
const DAY = 86_400_000

const ann: Profile = {
  ...emptyProfile('ann', NOW - 100 * DAY),
  lastActiveAt: NOW - DAY,
  totalSessions: 3,
  timeInAppMs: 90_000,
  attributes: { plan: 'gold', age: '27', beta: true, tags: ['Hiking', 'Chess'], born: '1990-05-01', seen: NOW - DAY },
  events: { Purchase: { count: 3, value: 30.5, firstAt: NOW - 9 * DAY, lastAt: NOW - 2 * DAY } },
  states: { Checkout: { count: 1, firstAt: NOW, lastAt: NOW } },
  devices: { d1: { appVersion: '2.10.1', systemName: 'iOS' }, d2: { appVersion: '1.9' } },
  place: { country: 'DE', city: 'Berlin', location: '52.52,13.405' },
  trafficSource: { publisherName: 'News' },
  variants: { 5: { variantId: 51, at: NOW } },
}
const nobody = emptyProfile('nobody', NOW)

describe('what an expression may say of a user', () => {
  test.each([
    ['everyone', true, true],
    ['attribute.plan = "gold"', true, false],
    ['attribute("plan") != "gold"', false, true],
    ["attribute.plan in ('gold', 'silver') and not attribute.beta = false", true, false],
    ['attribute.plan not in ("gold")', false, true],
    ['attribute.age >= 18 and attribute.age < 28', true, false],
    ['attribute.plan starts with "go" and attribute.plan ends with "ld"', true, false],
    ['attribute.plan not starts with "go"', false, true],
    ['attribute.tags contains "Chess" and attribute.tags = "Hiking"', true, false],
    ['attribute.tags contains "Che"', false, false],
    ['attribute.plan contains "ol"', true, false],
    ['attribute.born < date("2000-01-01") and attribute.seen > 2 days ago', true, false],
    ['attribute.none is set or attribute.plan is not set', false, true],
    ['event.Purchase.count >= 3 and event("Purchase").value > 30', true, false],
    ['event.Purchase.count = 0', false, true],
    ['event.Purchase.last > 3 days ago and event.Purchase.first < 1 week ago', true, false],
    ['event.Never.last < 1 day ago', false, false],
    ['state.Checkout.count = 1', true, false],
    ['app.version >= "2.9" and app.version < "2"', true, false],
    ['app.version = "2.10.1.0"', true, false],
    ['device.systemName = "iOS"', true, false],
    ['device.id = "d2"', true, false],
    ['place.country = "DE" and place.city != "Bonn"', true, false],
    ['place.distance(52.4, 13.06) < 30 and place.distance(52.4, 13.06) > 20', true, false],
    ['session.count = 3 and session.seconds = 90', true, false],
    ['session.active', false, false],
    ['user.id = "ann" and user.created < 99 days ago', true, false],
    ['user.lastActive is not set', false, true],
    ['source.publisherName = "News"', true, false],
    ['test(5) = 51 and test(6) is not set', true, false],
    ['attribute.plan = "silver" or # a comment\n attribute.plan = "gold" and everyone', true, false],
    ['not (attribute.plan = "gold" or everyone)', false, false],
  ])('%s', (source, ofAnn, ofNobody) => {
    const matches = audienceOf(source)
    expect(matches(ann, NOW)).toBe(ofAnn)
    expect(matches(nobody, NOW)).toBe(ofNobody)
  })
})

describe('what is wrong is said with its place', () => {
  test.each([
    ['', 1, 1, "'not' or '(', and found the end"],
    ['attribute.plan = ', 1, 17, 'expected a value: "text", a number, true, false'],
    ['attribute.plan == "gold"', 1, 17, "and found '='"],
    ['everyone and\n  evnt.Purchase.count > 1', 2, 3, "and found 'evnt'"],
    ['event.Purchase.times > 1', 1, 16, "expected one of count, value, first, last, and found 'times'"],
    ['event.Purchase.count > "3"', 1, 24, 'expected a number, and found "3"'],
    ['event.Purchase.last > 3', 1, 23, 'expected a moment, such as 7 days ago'],
    ['user.lastActive > 7 days', 1, 25, "expected 'ago', and found the end"],
    ['user.lastActive > date("soon")', 1, 24, 'expected a date in quotes'],
    ['app.version > 2.1', 1, 15, 'expected a version in quotes, such as "2.10.1", and found 2.1'],
    ['place.country > "DE"', 1, 15, "expected '=', '!=' or 'in' for a \"text\""],
    ['session.count contains "3"', 1, 15, "expected '=', '<' or '>' for a number"],
    ['(everyone', 1, 10, "expected ')', and found the end"],
    ['everyone everyone', 1, 10, "expected 'and', 'or' or the end, and found 'everyone'"],
    ['attribute.plan = "gold', 1, 18, 'expected a closing "'],
    ['attribute.plan = §', 1, 18, "and found '§'"],
    ['attribute.plan is gold', 1, 19, "expected 'set' or 'not set', and found 'gold'"],
    ['('.repeat(60) + 'everyone', 1, 52, 'expected at most 50 levels'],
    ['everyone or '.repeat(500) + 'everyone', 1, 6001, 'expected at most 500 conditions'],
    ['everyone or '.repeat(1000) + 'everyone', 1, 1, 'expected a shorter expression, and found 12008 characters'],
  ])('%.60s', (source, line, column, reason) => {
    let found: unknown
    try {
      audienceOf(source)
    } catch (error) {
      found = error
    }
    expect(found).toBeInstanceOf(ExpressionError)
    const { message, position } = found as ExpressionError
    expect(message).toContain(reason)
    expect({ line: position.line, column: position.column }).toEqual({ line, column })
  })

  test('anything at all is either understood or refused with a place', () => {
    const words = [
      'attribute',
      '.',
      'plan',
      '=',
      '"x"',
      '(',
      ')',
      'and',
      'not',
      'in',
      '3',
      'days',
      'ago',
      'is',
      'set',
      '\n',
      '"',
    ]
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...words)).map((list) => list.join(' ')),
        ),
        (source) => {
          try {
            audienceOf(source)(ann, NOW)
          } catch (error) {
            if (!(error instanceof ExpressionError) && !String(error).includes('names no audience')) throw error
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

async function filled(store: Store, profiles: readonly Profile[]): Promise<Profile[]> {
  for (const profile of profiles) {
    const ref = { appId: 'a', userId: profile.userId, deviceId: null, needsSeen: false }
    await store.transact(ref, () => ({ answer: null, subject: { profile, wakeAt: null } }))
  }
  const read: Profile[] = []
  for await (const profile of store.profiles('a')) read.push(profile)
  return read
}

const postgresServer = await findPostgres()
const NAMED = postgresServer === null ? 'in memory and in SQLite' : 'in memory, in SQLite and in PostgreSQL'

test(`ten thousand random expressions find the same users by a plain model, ${NAMED}`, async () => {
  const profiles = fc
    .sample(traits(NOW), { numRuns: 60, seed: 8 })
    .map((one, index) => ({ ...emptyProfile(`u${index}`, NOW), ...one }))
  const folder = mkdtempSync(join(tmpdir(), 'damson-audience-'))
  const database = postgresServer === null ? null : await createDatabase(postgresServer, 'audience')
  if (database !== null) await migrateDatabase(database.url)
  const stores: Record<string, Store> = {
    memory: memoryStore(),
    SQLite: await sqliteStore({ file: join(folder, 'damson.db') }),
    ...(database !== null && { PostgreSQL: await postgresStore({ url: database.url }) }),
  }
  const read = await Promise.all(
    Object.entries(stores).map(async ([name, store]) => [name, await filled(store, profiles)] as const),
  )
  let some = 0
  for (const model of fc.sample(models, { numRuns: 10_000, seed: 8 })) {
    const matches = audienceOf(model.text)
    const idsIn = (list: readonly Profile[]) => list.flatMap((one) => (matches(one, NOW) ? [one.userId] : [])).sort()
    const expected = profiles.flatMap((one) => (model.holds(one, NOW) ? [one.userId] : [])).sort()
    if (expected.length > 0 && expected.length < profiles.length) some += 1
    for (const [name, list] of read) {
      const found = idsIn(list)
      if (found.join() !== expected.join()) expect(found, `${model.text} in ${name}`).toEqual(expected)
    }
  }
  // Otherwise the expressions would tell nobody apart.
  expect(some).toBeGreaterThan(5_000)
  for (const store of Object.values(stores)) await store.close()
  await database?.drop()
  rmSync(folder, { recursive: true })
}, 120_000)
