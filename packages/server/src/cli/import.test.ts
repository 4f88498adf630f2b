import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '@damson/core'
import { fakeClock } from '@damson/core/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createServer, type Server } from '../server.ts'
import { folderFiles } from '../store/files.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { TEST_APP } from '../testing/test-server.ts'
import { importFolder } from './import/importer.ts'
import { openRawFolder } from './import/raw-files.ts'
import { finish } from './testing.ts'

const NOON = Date.UTC(2023, 10, 10, 20)

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'damson-import-'))))
afterEach(() => rmSync(folder, { recursive: true }))

type Call = (action: string, args?: object) => Promise<Record<string, unknown>>

/** Runs something against a server with the data of a folder below ours. */
async function served<T>(
  data: string,
  use: (call: Call, clock: ReturnType<typeof fakeClock>, server: Server) => Promise<T>,
  now = NOON,
) {
  const clock = fakeClock(now)
  const store = await sqliteStore({ file: join(folder, data, 'damson.db') })
  const files = folderFiles(join(folder, data, 'files'))
  const server = createServer({ store, files, apps: [TEST_APP], clock, exportAvailabilitySeconds: 0 })
  const call: Call = async (action, args = {}) => {
    const clientKey = /^export|Export/.test(action) ? 'export_test' : 'dev_test'
    const body = JSON.stringify({ appId: TEST_APP.appId, clientKey, ...args, action })
    const response = await server.fetch(new Request('http://test/api', { method: 'POST', body }))
    return ((await response.json()) as { response: Record<string, unknown>[] }).response[0]!
  }
  // The apps are saved before the first thing a server does.
  await server.work()
  try {
    return await use(call, clock, server)
  } finally {
    await server.stop()
  }
}

/** What a few people did, in every way a record can look. */
async function fill(call: Call, clock: ReturnType<typeof fakeClock>): Promise<void> {
  for (let user = 0; user < 6; user++) {
    const ids = { userId: `user ${user}`, ...(user % 3 > 0 && { deviceId: `phone ${user}` }) }
    const userAttributes = { plan: 'gold', isNew: user % 2 === 0, age: user, tags: ['a', 'b,"c"'] }
    const device = {
      systemName: 'iOS',
      appVersion: '2.0',
      country: 'US',
      location: '1.5,-2',
      timezoneOffsetSeconds: -3600,
    }
    await call('start', { ...ids, ...device, userAttributes, client: 'js', sdkVersion: '1.2' })
    await call('setTrafficSourceInfo', { ...ids, trafficSource: { publisherId: '7', publisherName: 'News' } })
    await call('track', {
      ...ids,
      event: 'Opened, "quoted"',
      value: 1.5,
      info: 'x\ny',
      params: { p: 1, q: 'ü', r: true },
    })
    clock.advance(MINUTE_MS + 1)
    await call('advance', { ...ids, state: 'Level', info: 'one', params: { hard: true } })
    await call('track', { ...ids, event: 'Shot' })
    clock.advance(MINUTE_MS)
    await call('advance', { ...ids, state: 'Menu' })
    await call('advance', { ...ids, state: 'Level' })
    await call(user % 2 === 0 ? 'stop' : 'pauseSession', ids)
    clock.advance(HOUR_MS)
    await call('track', { ...ids, event: 'Later', devMode: user === 4 })
    await call('start', ids)
    await call('stop', ids)
  }
  clock.advance(DAY_MS)
}

/** An A/B test that everybody is in. */
async function runTest(server: Server): Promise<void> {
  const test = { name: 'Title', state: 'running' as const, variants: { 51: { name: 'a' } } }
  expect(await server.engine.applyContent(TEST_APP.appId, { tests: { 5: test } })).toMatchObject({ ok: true })
}

/** Exports everything of a folder into files of another; gives the files' texts. */
async function exportTo(data: string, target: string, exportFormat: string): Promise<readonly string[]> {
  return served(data, async (call, clock, server) => {
    clock.set(NOON + 3 * DAY_MS)
    await server.sweep()
    const { jobId } = await call('exportData', { startDate: '20231110', endDate: '20231113', exportFormat })
    await server.work()
    const { files, state } = await call('getExportResults', { jobId })
    expect(state).toBe('FINISHED')
    return Promise.all(
      (files as string[]).map(async (url) => {
        const text = await (await server.fetch(new Request(url))).text()
        const name = url.replace(/^.*-output/, 'export-1-x-output')
        if (target !== '') writeFileSync(join(folder, target, name), text)
        return text
      }),
    )
  })
}

test.each(['json', 'csv'])('an import of %s says how far it is, from nothing to all, packed or not', async (format) => {
  await served('old', async (call, clock) => fill(call, clock))
  const raw = mkdtempSync(join(folder, 'raw-'))
  const texts = await exportTo('old', raw.slice(folder.length), format)
  if (format === 'json') writeFileSync(join(raw, 'packed.gz'), gzipSync(texts.join('')))
  await served('new', async () => undefined)
  const store = await sqliteStore({ file: join(folder, 'new', 'damson.db') })
  const parts: number[] = []
  const of = { store, appId: TEST_APP.appId, name: 'x', folder: await openRawFolder(raw), batchRecords: 3 }
  const { records } = await importFolder({ ...of, onProgress: (_, part) => void parts.push(part) })
  expect(records).toBeGreaterThanOrEqual(18)
  expect(parts.length).toBeGreaterThan(1)
  expect(parts).toEqual(parts.toSorted((one, two) => one - two))
  expect(parts[0]).toBeGreaterThan(0)
  expect(parts.at(-1)).toBeCloseTo(1, 10)
  await store.close()
})

test.each(['json', 'csv'])(
  'what is exported as %s, imported into nothing and exported again is the same [I-01]',
  async (format) => {
    await served('old', async (call, clock, server) => {
      await runTest(server)
      await fill(call, clock)
    })
    const raw = mkdtempSync(join(folder, 'raw-'))
    const exported = await exportTo('old', raw.slice(folder.length), format)
    expect(exported.join('').length).toBeGreaterThan(5_000)
    await served('new', async () => undefined)
    const first = await finish(['import', raw, '--data', join(folder, 'new')])
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toBe('Took over 18 sessions with 18 events; 0 were there already.')
    expect(await exportTo('new', '', format)).toEqual(exported)

    const lines = exported.join('').split('\n')
    const inTest = format === 'json' ? '"experiments":[{"id":5,"variantId":51' : '5,'
    expect(lines.filter((line) => line.includes(inTest)).length).toBeGreaterThan(6)
    if (format === 'json') expect(lines.filter((line) => line.includes('"impressed":true'))).toHaveLength(6)

    // Once is enough.
    const second = await finish(['import', raw, '--data', join(folder, 'new')])
    expect(second.out).toBe('Took over 0 sessions with 0 events; 18 were there already.')
    expect(await exportTo('new', '', format)).toEqual(exported)
  },
)

test('whoever is imported counts as if they had always been here [I-02]', async () => {
  await served('old', async (call, clock) => fill(call, clock))
  const raw = mkdtempSync(join(folder, 'raw-'))
  await exportTo('old', raw.slice(folder.length), 'json')
  await served('new', async () => undefined)
  await finish(['import', raw, '--data', join(folder, 'new')])
  for (const userId of ['user 0', 'user 1', 'user 4']) {
    const [before, after] = await Promise.all(
      ['old', 'new'].map((data) => served(data, (call) => call('exportUser', { userId }))),
    )
    const facts = ({
      created,
      totalSessions,
      timeSpentInApp,
      events,
      states,
      userAttributes,
      lastActive,
      ...rest
    }: Record<string, unknown>) => ({
      created,
      totalSessions,
      timeSpentInApp,
      events,
      states,
      userAttributes,
      lastActive,
      country: rest.country,
    })
    expect(facts(after!)).toEqual(facts(before!))
  }
})

test('a real line of Leanplum is taken with its own ids, and what cannot be read is told with its place [I-03]', async () => {
  const raw = mkdtempSync(join(folder, 'raw-'))
  const lines = [
    '{"sessionId":"3216517162737829999","userId":"u1","deviceId":"d1","isSession":true,"time":"1.591474962721E9","duration":12.5,' +
      '"firstRun":1591470000.5,"userAttributes":{"Signed In":"False"},"experiments":[{"id":800315004,"variantId":796675005}],' +
      '"states":[{"stateId":-2977495587907092018,"events":[{"eventId":8457531699855530674,"name":"E_Opened_App",' +
      '"time":1.591474963E9,"value":0.0,"parameters":{"p1":"{\\"n\\":12345678901234567890}"}}]}]}',
    '{"sessionId":"5","userId":"u2"}',
    '{"sessionId":"6",',
    '{"sessionId":"7","userId":"u1","time":1591474962,"states":[{"events":[]}]}',
  ]
  writeFileSync(join(raw, 'export-1-x-output-0'), `${lines.join('\n')}\n`)
  writeFileSync(join(raw, 'export-1-x-output-manifest'), 'export-1-x-output-0\n')
  await served('new', async () => undefined)
  const { code, out } = await finish(['import', raw, '--data', join(folder, 'new')])
  expect(code).toBe(0)
  expect(out.split('\n')).toEqual([
    'Took over 1 sessions with 1 events; 0 were there already.',
    'Passed over, for they are no raw exports: export-1-x-output-manifest.',
    'Could not read 3:',
    "  export-1-x-output-0:2: 'time' is missing",
    '  export-1-x-output-0:3: it is no JSON',
    "  export-1-x-output-0:4: 'stateId' is no id",
  ])
  const exported: Parameters<typeof served<string>>[1] = async (call, _, server) => {
    const { jobId } = await call('exportData', { startDate: '20200606' })
    await server.work()
    const { files } = await call('getExportResults', { jobId })
    return (await server.fetch(new Request((files as string[])[0]!))).text()
  }
  const text = await served('new', exported, 1_591_474_962_721 + DAY_MS)
  expect(text).toContain('"stateId":-2977495587907092018,"events":[{"eventId":8457531699855530674,')
  expect(JSON.parse(text)).toMatchObject({
    sessionId: '3216517162737829999',
    time: 1_591_474_962.721,
    duration: 12.5,
    firstRun: 1_591_470_000.5,
    userAttributes: { 'Signed In': 'False' },
    experiments: [{ id: 800_315_004, variantId: 796_675_005 }],
    states: [{ events: [{ parameters: { p1: '{"n":12345678901234567890}' } }] }],
  })
})

test('a folder without raw exports is told, and one that is not there', async () => {
  writeFileSync(join(folder, 'x.txt'), 'hello')
  const args = ['--data', join(folder, 'new')]
  expect((await finish(['import', folder, ...args])).err).toContain('has no raw exports')
  expect((await finish(['import', join(folder, 'nope'), ...args])).err).toContain('there is no such file or folder')
})
