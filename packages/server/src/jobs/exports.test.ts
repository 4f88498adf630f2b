import { DAY_MS, HOUR_MS, MINUTE_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'csv-parse/sync'
import { createTestServer, type TestServer } from '../testing/test-server.ts'

/** Friday, 10 November 2023, noon Pacific. */
const NOON = Date.UTC(2023, 10, 10, 20)
const TODAY = { startDate: '20231110' }

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOON })))
afterEach(() => world.close())

type Line = Record<string, unknown> & { readonly states: readonly Record<string, unknown>[] }

/** A session of five minutes with a state, two events and what is known of the user; then one event outside. */
async function visit(userId: string, extra: Record<string, unknown> = {}): Promise<void> {
  const ids = { userId, deviceId: `${userId}'s phone` }
  const device = { systemName: 'iOS', appVersion: '2.0', country: 'US', city: 'Oslo', location: '1.5,-2', locale: 'en' }
  const userAttributes = { plan: 'gold', isNew: true, tags: ['a', 'b'], ...extra }
  await world.call('start', { ...ids, ...device, userAttributes, client: 'js' })
  await world.call('track', { ...ids, event: 'Opened, "quoted"', value: 1.5, info: 'x\ny', params: { p: 1, q: 'ü' } })
  world.clock.advance(MINUTE_MS)
  await world.call('advance', { ...ids, state: 'Level', info: 'one', params: { hard: true } })
  await world.call('track', { ...ids, event: 'Shot' })
  world.clock.advance(4 * MINUTE_MS)
  await world.call('stop', ids)
  world.clock.advance(MINUTE_MS)
  await world.call('track', { ...ids, event: 'Later' })
}

async function exported(args: Record<string, unknown> = TODAY): Promise<Record<string, unknown>> {
  const { jobId } = await world.call('exportData', args)
  await world.work()
  return world.call('getExportResults', { jobId })
}

async function textOf(url: unknown): Promise<string> {
  const response = await world.fetch(new Request(String(url)))
  expect(response.status).toBe(200)
  return response.text()
}

async function linesOf(results: Record<string, unknown>): Promise<readonly Line[]> {
  const texts = await Promise.all((results.files as string[]).map(textOf))
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== '')).map((line) => JSON.parse(line) as Line)
}

describe('exportData', () => {
  test('tells a session line by line, as the real service does [J-02]', async () => {
    await visit('ann')
    world.clock.advance(DAY_MS + 2 * HOUR_MS)
    const results = await exported()
    expect(results).toMatchObject({ success: true, state: 'FINISHED', numSessions: 2 })
    const [session, offline] = await linesOf(results)
    expect(session).toMatchObject({
      sessionId: expect.stringMatching(/^\d+$/),
      userId: 'ann',
      deviceId: "ann's phone",
      isSession: true,
      time: NOON / 1000,
      duration: 300,
      firstRun: NOON / 1000,
      userBucket: expect.any(Number),
      client: 'js',
      systemName: 'iOS',
      appVersion: '2.0',
      country: 'US',
      city: 'Oslo',
      lat: '1.5',
      lon: '-2',
      priorSessions: 0,
      priorTimeSpentInApp: 0,
      userAttributes: { plan: 'gold', isNew: 'True', tags: ['a', 'b'] },
      states: [
        { events: [{ name: 'Opened, "quoted"', value: 1.5, info: 'x\ny', parameters: { p: 1, q: 'ü' } }] },
        {
          name: 'Level',
          time: NOON / 1000 + 60,
          duration: 240,
          info: 'one',
          parameters: { hard: true },
          timeUntilFirstForUser: 60,
          events: [{ name: 'Shot', value: 0, timeUntilFirstForUser: 60 }],
        },
      ],
    })
    expect(session).not.toHaveProperty('isDeveloper')
    expect(offline).toMatchObject({ isSession: false, duration: 0, states: [{ events: [{ name: 'Later' }] }] })
  })

  test('tells the A/B tests of a session, and where the user met their variant [J-23]', async () => {
    const tests = {
      5: { name: 'Title', state: 'running', variants: { 51: { name: 'a' } } },
      6: { name: 'Gold', state: 'running', where: 'attribute.plan = "gold"', variants: { 61: { name: 'a' } } },
    } as const
    await visit('eve', { plan: 'none' })
    expect(await world.server.engine.applyContent('app_test', { tests })).toMatchObject({ ok: true })
    await visit('ann', { plan: 'none' })
    await visit('ann')
    await visit('ann')
    world.clock.advance(DAY_MS + 2 * HOUR_MS)
    const told = (await linesOf(await exported())).filter(({ isSession }) => isSession)
    const [five, six] = [
      { id: 5, variantId: 51 },
      { id: 6, variantId: 61 },
    ]
    const impressed = true
    expect(told.map(({ userId, experiments }) => [userId, experiments])).toEqual([
      ['ann', [{ ...five, impressed }]],
      ['ann', [five, { ...six, impressed }]],
      ['ann', [five, six]],
      ['eve', undefined],
    ])
    const { files } = await exported({ ...TODAY, exportFormat: 'csv' })
    const text = await textOf((files as string[]).find((url) => url.includes('experiments')))
    expect(text.split('\n')[0]).toBe('experimentId,sessionId,variantId')
    // As many again for what happened after each session.
    expect(text.trim().split('\n')).toHaveLength(1 + 2 * 5)
  })

  test('tells the same in six tables, row for row [J-03]', async () => {
    await visit('ann')
    await visit('bob', { 'odd, "name"': ['x', 'y'] })
    world.clock.advance(DAY_MS + 2 * HOUR_MS)
    const lines = await linesOf(await exported())
    const { files, numSessions } = await exported({ ...TODAY, exportFormat: 'csv' })
    const names = (files as string[]).map((url) => url.replace(/^.*-output/, ''))
    expect(names).toEqual([
      'sessions-0',
      'experiments-0',
      'states-0',
      'events-0',
      'eventparameters-0',
      'userattributes-0',
    ])
    const tables = await Promise.all(
      (files as string[]).map(async (url) => parse(await textOf(url), { columns: true })),
    )
    const [sessions, experiments, states, events, parameters, attributes] = tables as Record<string, string>[][]
    expect(numSessions).toBe(lines.length)
    expect(experiments).toEqual([])
    const text = (value: unknown) =>
      value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
    expect(sessions!.map((row) => row.sessionId)).toEqual(lines.map((line) => line.sessionId))
    for (const [index, line] of lines.entries()) {
      const { userStart, start, osName, timezoneOffset, isDeveloper, osVersion, ...same } = sessions![index]!
      expect(isDeveloper).toBe(text(line.isDeveloper ?? false))
      expect([userStart, start, osName, timezoneOffset, osVersion]).toEqual(
        ['firstRun', 'time', 'systemName', 'timezoneOffsetSeconds', 'systemVersion'].map((name) => text(line[name])),
      )
      for (const [name, value] of Object.entries(same)) expect([name, value]).toEqual([name, text(line[name])])
    }
    interface Event {
      readonly name: unknown
      readonly time: unknown
      readonly value: unknown
      readonly info?: unknown
      readonly timeUntilFirstForUser?: unknown
      readonly parameters?: Record<string, unknown>
    }
    const stateRows = lines.flatMap((line) =>
      line.states.map((state) =>
        [line.sessionId, state.name, state.time, state.duration, state.info, state.timeUntilFirstForUser].map(text),
      ),
    )
    expect(
      states!.map((row) => [
        row.sessionId,
        row.stateName,
        row.start,
        row.duration,
        row.info,
        row.timeUntilFirstForUser,
      ]),
    ).toEqual(stateRows)
    const jsonEvents = lines.flatMap((line) =>
      line.states.flatMap((state) => (state.events as Event[]).map((event) => ({ ...event, line }))),
    )
    expect(
      events!.map((row) => [row.sessionId, row.eventName, row.start, row.value, row.info, row.timeUntilFirstForUser]),
    ).toEqual(
      jsonEvents.map(({ line, name, time, value, info, timeUntilFirstForUser }) =>
        [line.sessionId, name, time, value, info, timeUntilFirstForUser].map(text),
      ),
    )
    expect(parameters!.map((row) => [row.name, row.value])).toEqual(
      jsonEvents.flatMap((event) => Object.entries(event.parameters ?? {}).map((pair) => pair.map(text))),
    )
    expect(attributes!.map((row) => [row.sessionId, row.name, row.value])).toEqual(
      lines.flatMap((line) =>
        Object.entries(line.userAttributes ?? {}).map((pair) => [line.sessionId, ...pair.map(text)]),
      ),
    )
    const eventIds = new Set(events!.map((row) => row.eventId))
    expect(eventIds.size).toBe(events!.length)
    expect(parameters!.every((row) => eventIds.has(row.eventId))).toBe(true)
  })

  test('takes what became available, in steps of two hours, and complete sessions only [J-04]', async () => {
    await world.call('start', { userId: 'ann' })
    expect(await world.call('exportData', TODAY)).toMatchObject({
      httpStatus: 404,
      error: { message: 'No matching data found.' },
    })
    await world.call('stop', { userId: 'ann' })
    world.clock.advance(2 * HOUR_MS - 1)
    expect(await world.call('exportData', TODAY)).toMatchObject({ httpStatus: 404 })
    world.clock.advance(1)
    expect(await exported()).toMatchObject({ numSessions: 1 })
    const startTime = world.clock.now() / 1000
    expect(await exported({ ...TODAY, startTime })).toMatchObject({ numSessions: 1 })
    expect(await world.call('exportData', { ...TODAY, startTime: startTime + 1 })).toMatchObject({ httpStatus: 404 })
    expect(await world.call('exportData', { ...TODAY, endTime: startTime })).toMatchObject({ httpStatus: 404 })
  })

  test('refuses what is too old, days that are none, and a bucket without its keys [J-05]', async () => {
    const refusals = [
      [{ startDate: '20230901' }, 200, 'You cannot export data older than 60 days'],
      [{ startDate: '20231131' }, 400, "'startDate' is invalid."],
      [{ ...TODAY, endDate: '20231109' }, 400, "'endDate' is invalid."],
      [{ ...TODAY, exportFormat: 'xml' }, 400, "'exportFormat' is invalid."],
      [{ ...TODAY, callbackUrl: 'ftp://x' }, 400, "'callbackUrl' is invalid."],
      [{ ...TODAY, s3BucketName: 'my-bucket', s3AccessId: 'id' }, 400, "'s3AccessKey' must be provided"],
      [{ ...TODAY, s3BucketName: '../x', s3AccessId: 'id', s3AccessKey: 'k' }, 400, "'s3BucketName' is invalid."],
    ] as const
    for (const [args, httpStatus, message] of refusals)
      expect(await world.call('exportData', args)).toMatchObject({ httpStatus, success: false, error: { message } })
  })

  test('is had 24 times a day, counted from midnight Pacific; what was refused does not count [J-06]', async () => {
    await visit('ann')
    world.clock.advance(2 * HOUR_MS)
    await world.call('exportData', { startDate: '20231131' })
    const answers = await Promise.all(Array.from({ length: 30 }, () => world.call('exportData', TODAY)))
    expect(answers.filter(({ success }) => success)).toHaveLength(24)
    expect(answers.find(({ success }) => !success)).toMatchObject({
      httpStatus: 429,
      error: { message: 'Daily export limit exceeded.' },
    })
    world.clock.set(Date.UTC(2023, 10, 11, 8))
    expect(await world.call('exportData', TODAY)).toMatchObject({ success: true })
  })

  test('keeps its files for 24 hours after its end, and then they are gone with the job [J-07]', async () => {
    await visit('ann')
    world.clock.advance(2 * HOUR_MS)
    const { jobId, files } = await exported()
    world.clock.advance(DAY_MS - 1)
    await world.work()
    await textOf((files as string[])[0])
    world.clock.advance(1)
    await world.work()
    expect((await world.fetch(new Request((files as string[])[0]!))).status).toBe(404)
    expect(await world.call('getExportResults', { jobId })).toMatchObject({
      httpStatus: 404,
      error: { message: 'Job not found.' },
    })
  })

  test('is written in parts that are each whole lines', async () => {
    await world.close()
    world = await createTestServer({ now: NOON, jobs: { partBytes: 2_000 } })
    for (let user = 0; user < 12; user++) await visit(`user ${user}`)
    world.clock.advance(DAY_MS + 2 * HOUR_MS)
    const results = await exported()
    expect((results.files as string[]).length).toBeGreaterThan(3)
    expect(await linesOf(results)).toHaveLength(24)
    expect(results.numBytes).toBe((await Promise.all((results.files as string[]).map(textOf))).join('').length + 12)
  })

  test('a pending job tells its id and its state, and nothing more', async () => {
    await visit('ann')
    world.clock.advance(2 * HOUR_MS)
    const { jobId } = await world.call('exportData', TODAY)
    expect(await world.call('getExportResults', { jobId })).toEqual({
      httpStatus: 200,
      success: true,
      jobId,
      state: 'PENDING',
    })
    expect(await world.call('getExportResults', { jobId: 'export_1_1' })).toMatchObject({ httpStatus: 404 })
  })
})

describe('a callback', () => {
  test('gets the answer of getExportResults, again after failures, and never after success [J-08]', async () => {
    await world.close()
    const calls: { url: string; body: string }[] = []
    const statuses = [503, 200]
    const egress = async (url: string, init: { readonly body?: unknown } = {}) => {
      calls.push({ url, body: String(init.body) })
      return new Response(null, { status: statuses[calls.length - 1] ?? 500 })
    }
    world = await createTestServer({ now: NOON, egress })
    await visit('ann')
    world.clock.advance(2 * HOUR_MS)
    const results = await exported({ ...TODAY, callbackUrl: 'https://example.com/done?x=1' })
    expect(calls).toHaveLength(1)
    await world.work()
    expect(calls).toHaveLength(1)
    world.clock.advance(MINUTE_MS)
    await world.work()
    world.clock.advance(10 * HOUR_MS)
    await world.work()
    expect(calls).toHaveLength(2)
    const { httpStatus: _, ...element } = results
    for (const { url, body } of calls) {
      expect(url).toBe('https://example.com/done?x=1')
      expect(JSON.parse(body)).toEqual({ response: [element] })
    }
  })
})

describe('exportUsers', () => {
  test('lists ids, and one attribute where it is asked for [J-09]', async () => {
    await visit('ann')
    await visit('bob', { age: 7 })
    const all = await world.call('exportUsers')
    const some = await world.call('exportUsers', { userAttribute: 'age' })
    await world.work()
    const file = async ({ jobId }: Record<string, unknown>) => {
      const { files, state } = await world.call('getExportResults', { jobId })
      expect([state, (files as string[]).length]).toEqual(['FINISHED', 1])
      return textOf((files as string[])[0])
    }
    expect(await file(all)).toBe('userId\nann\nbob\n')
    expect(await file(some)).toBe('userId,age\nbob,7\n')
  })

  test('only those of an audience, and those in a test with their variants [J-11]', async () => {
    await visit('ann', { age: 30 })
    await visit('bob', { age: 7 })
    const variants = { 51: { name: 'a' }, 52: { name: 'b, or not', weight: 0 } }
    await world.server.engine.applyContent('app_test', {
      audiences: { grown: 'attribute.age >= 18' },
      tests: { 5: { name: 't', state: 'running', variants, audience: 'grown' } },
    })
    for (const userId of ['ann', 'bob']) await world.call('getVars', { userId })
    const asked = [{ audienceName: 'grown' }, { abTestId: 5, userAttribute: 'age' }]
    const jobs = await Promise.all(asked.map((args) => world.call('exportUsers', args)))
    await world.work()
    const texts = await Promise.all(
      jobs.map(async ({ jobId }) => {
        const { files } = await world.call('getExportResults', { jobId })
        return textOf((files as string[])[0])
      }),
    )
    expect(texts).toEqual(['userId\nann\n', 'userId,variantId,variantName,age\nann,51,a,30\n'])
  })

  test('only those of a segment, the older form of a filter [J-20]', async () => {
    await visit('ann', { age: 30 })
    await visit('bob', { age: 7 })
    await world.call('setUserAttributes', { userId: 'eve', country: 'DE', userAttributes: { age: 40 } })
    await world.server.engine.applyContent('app_test', { audiences: { grown: 'attribute.age >= 18' } })
    const asked = ['Country = "US"', 'Country = "US" AND age > 18', 'audience.grown', '']
    const jobs = await Promise.all(asked.map((segment) => world.call('exportUsers', { segment })))
    const both = await world.call('exportUsers', { segment: 'Country = "US"', audienceName: 'grown' })
    await world.work()
    const texts = await Promise.all(
      [...jobs, both].map(async ({ jobId }) => {
        const { files } = await world.call('getExportResults', { jobId })
        return (await textOf((files as string[])[0])).split('\n').slice(1, -1).join()
      }),
    )
    expect(texts).toEqual(['ann,bob', 'ann', 'ann,eve', 'ann,bob,eve', 'ann'])
  })

  test('a filter that nobody understands exports nobody, and what is wrong with it is said', async () => {
    for (const args of [{ audienceName: 'x' }, { abTestId: 5 }, { segment: 'audience.nobody' }])
      expect((await world.call('exportUsers', args)).success).toBe(false)
    expect(await world.call('exportUsers', { segment: 'Country = "US" and' })).toMatchObject({
      httpStatus: 400,
      success: false,
      error: { message: expect.stringMatching(/^'segment' is invalid: line 1, column 19: expected attribute, /) },
    })
  })

  test('an audience that was deleted before the export ran fails it, and says so', async () => {
    await visit('ann')
    await world.server.engine.applyContent('app_test', { audiences: { grown: 'attribute.age >= 18' } })
    const { jobId } = await world.call('exportUsers', { audienceName: 'grown' })
    await world.server.engine.applyContent('app_test', { audiences: {} })
    await world.work()
    expect(await world.call('getExportResults', { jobId })).toMatchObject({
      state: 'FAILED',
      error: { message: "The audience 'grown' was deleted before the export ran." },
    })
  })
})

describe('exportReport', () => {
  test('counts events by day and name, with their users and their worth [J-10]', async () => {
    await visit('ann')
    await visit('bob')
    world.clock.advance(DAY_MS)
    await visit('ann')
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
    await visit('ann', { age: 30 })
    await visit('bob', { age: 7 })
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
