import { DAY_MS, MINUTE_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { NOON, TODAY, visit } from './fixtures/visits.ts'

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOON })))
afterEach(() => world.close())

describe('exportReport', () => {
  test('counts events by day and name, with their users and their worth [J-10]', async () => {
    await visit(world, 'ann')
    await visit(world, 'bob')
    world.clock.advance(DAY_MS)
    await visit(world, 'ann')
    const eventNames = ['Opened, "quoted"', 'Later']
    const { jobId } = await world.call('exportReport', {
      ...TODAY,
      endDate: '20231111',
      dataType: 'UserActivity',
      eventNames,
    })
    await world.work()
    const results = await world.call('getExportResults', { jobId })
    expect(results.data).toEqual({
      '2023-11-10': {
        'Opened, "quoted"': { Occurrences: 2, 'Unique users': 2, Value: 3 },
        Later: { Occurrences: 2, 'Unique users': 2, Value: 0 },
      },
      '2023-11-11': {
        'Opened, "quoted"': { Occurrences: 1, 'Unique users': 1, Value: 1.5 },
        Later: { Occurrences: 1, 'Unique users': 1, Value: 0 },
      },
    })
  })

  test('of a message takes what is called after it, and nothing that only begins alike', async () => {
    for (const event of ['Open', '']) await world.call('track', { userId: 'ann', messageId: '42', event })
    await world.call('track', { userId: 'ann', messageId: '421', event: 'Open' })
    const { jobId } = await world.call('exportReport', { ...TODAY, dataType: 'MessageResults', messageId: 42 })
    await world.work()
    const { data } = await world.call('getExportResults', { jobId })
    expect(Object.keys((data as Record<string, object>)['2023-11-10']!).toSorted()).toEqual(['.m42', '.m42 Open'])
  })

  async function reported(args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { jobId } = await world.call('exportReport', { ...TODAY, ...args })
    await world.work()
    return world.call('getExportResults', { jobId })
  }

  test('of an A/B test counts its users from when they were in it, by variant, with intervals [J-21]', async () => {
    const weighted = (first: number, second: number) =>
      world.server.engine.applyContent('app_test', {
        tests: {
          5: {
            name: 't',
            state: 'running',
            variants: { 51: { name: 'as it was', weight: first }, 52: { name: 'new', weight: second } },
            testers: { tess: 52 },
          },
        },
      })
    const users = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
    const buying = (list: readonly string[]) =>
      Promise.all(list.map((userId) => world.call('track', { userId, event: 'Purchase', value: 2 })))
    const entering = (list: readonly string[]) =>
      Promise.all(list.map((userId) => world.call('getVars', { userId, createDisposition: 'CreateIfNeeded' })))
    const [first, second] = [users('a', 80), users('b', 70)]
    await buying(first.slice(-5))
    world.clock.advance(MINUTE_MS)
    await weighted(1, 0)
    await entering(first)
    await weighted(0, 1)
    await entering([...second, 'tess'])
    await buying([...first.slice(0, 48), ...second.slice(0, 56), 'a0', 'tess', 'nobody'])

    const { data, abTestResults, state } = await reported({ dataType: 'AbTestResults', abTestId: 5 })
    expect(state).toBe('FINISHED')
    expect(data).toEqual({
      '2023-11-10': {
        Purchase: {
          Occurrences: 105,
          'Unique users': 104,
          Value: 210,
          Variants: {
            51: { Occurrences: 49, 'Unique users': 48, Value: 98 },
            52: { Occurrences: 56, 'Unique users': 56, Value: 112 },
          },
        },
      },
    })
    const near = (value: number) => expect.closeTo(value, 4)
    // Newcombe's own example: 56 of 70 and 48 of 80.
    expect(abTestResults).toEqual({
      abTestId: 5,
      level: 0.95,
      variants: [
        {
          id: 51,
          name: 'as it was',
          users: 80,
          events: {
            Purchase: { occurrences: 49, uniqueUsers: 48, value: 98, rate: 0.6, low: near(0.4905), high: near(0.7004) },
          },
        },
        {
          id: 52,
          name: 'new',
          users: 70,
          events: {
            Purchase: {
              occurrences: 56,
              uniqueUsers: 56,
              value: 112,
              rate: 0.8,
              low: near(0.6918),
              high: near(0.877),
              difference: { rate: near(0.2), low: near(0.0524), high: near(0.3339) },
              pValue: near(0.008),
            },
          },
        },
      ],
    })
    expect(await world.call('exportReport', { ...TODAY, dataType: 'AbTestResults', abTestId: 6 })).toMatchObject({
      httpStatus: 404,
      error: { message: 'A/B test not found.' },
    })
  })

  test('of a bookmark counts the events and the users it names [J-22]', async () => {
    await visit(world, 'ann', { age: 30 })
    await visit(world, 'bob', { age: 7 })
    await world.server.engine.applyContent('app_test', {
      audiences: { grown: 'attribute.age >= 18' },
      bookmarks: {
        'shots of grown-ups': { events: ['Shot'], audience: 'grown' },
        children: { where: 'not audience.grown' },
      },
    })
    const ofAnn = await reported({ dataType: 'BookmarkedReport', bookmarkName: 'shots of grown-ups' })
    expect(ofAnn.data).toEqual({ '2023-11-10': { Shot: { Occurrences: 1, 'Unique users': 1, Value: 0 } } })
    const ofBob = await reported({ dataType: 'BookmarkedReport', bookmarkName: 'children' })
    expect(Object.keys((ofBob.data as Record<string, object>)['2023-11-10']!)).toHaveLength(3)
    const narrowed = { dataType: 'BookmarkedReport', bookmarkName: 'children', eventNames: ['Later'] }
    expect((await reported(narrowed)).data).toEqual({
      '2023-11-10': { Later: { Occurrences: 1, 'Unique users': 1, Value: 0 } },
    })
  })

  test.each([
    [{ dataType: 'AbTestResults' }, "'abTestId' must be provided"],
    [{ dataType: 'MessageResults' }, "'messageId' must be provided"],
    [{ dataType: 'BookmarkedReport' }, "'bookmarkName' must be provided"],
    [{ dataType: 'BookmarkedReport', bookmarkName: 'x' }, "'bookmarkName' is invalid."],
  ])('%j is refused: %s', async (args, message) => {
    expect(await world.call('exportReport', { ...TODAY, ...args })).toMatchObject({
      success: false,
      error: { message },
    })
  })
})
