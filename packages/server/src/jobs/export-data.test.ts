import { DAY_MS, HOUR_MS, MINUTE_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'csv-parse/sync'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { NOON, textOf, TODAY, visit } from './fixtures/visits.ts'

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOON })))
afterEach(() => world.close())

type Line = Record<string, unknown> & { readonly states: readonly Record<string, unknown>[] }

async function exported(args: Record<string, unknown> = TODAY): Promise<Record<string, unknown>> {
  const { jobId } = await world.call('exportData', args)
  await world.work()
  return world.call('getExportResults', { jobId })
}

async function linesOf(results: Record<string, unknown>): Promise<readonly Line[]> {
  const texts = await Promise.all((results.files as string[]).map((url) => textOf(world, url)))
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== '')).map((line) => JSON.parse(line) as Line)
}

describe('exportData', () => {
  test('tells a session line by line, as the real service does [J-02]', async () => {
    await visit(world, 'ann')
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
    await visit(world, 'eve', { plan: 'none' })
    expect(await world.server.engine.applyContent('app_test', { tests })).toMatchObject({ ok: true })
    await visit(world, 'ann', { plan: 'none' })
    await visit(world, 'ann')
    await visit(world, 'ann')
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
    const text = await textOf(
      world,
      (files as string[]).find((url) => url.includes('experiments')),
    )
    expect(text.split('\n')[0]).toBe('experimentId,sessionId,variantId')
    // As many again for what happened after each session.
    expect(text.trim().split('\n')).toHaveLength(1 + 2 * 5)
  })

  test('tells the same in six tables, row for row [J-03]', async () => {
    await visit(world, 'ann')
    await visit(world, 'bob', { 'odd, "name"': ['x', 'y'] })
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
      (files as string[]).map(async (url) => parse(await textOf(world, url), { columns: true })),
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
    await visit(world, 'ann')
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
    await visit(world, 'ann')
    world.clock.advance(2 * HOUR_MS)
    const { jobId, files } = await exported()
    world.clock.advance(DAY_MS - 1)
    await world.work()
    await textOf(world, (files as string[])[0])
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
    for (let user = 0; user < 12; user++) await visit(world, `user ${user}`)
    world.clock.advance(DAY_MS + 2 * HOUR_MS)
    const results = await exported()
    expect((results.files as string[]).length).toBeGreaterThan(3)
    expect(await linesOf(results)).toHaveLength(24)
    expect(results.numBytes).toBe(
      (await Promise.all((results.files as string[]).map((url) => textOf(world, url)))).join('').length + 12,
    )
  })

  test('a pending job tells its id and its state, and nothing more', async () => {
    await visit(world, 'ann')
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
    await visit(world, 'ann')
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
