import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withData } from './data.ts'
import type { ReplayReport } from './replay-report.ts'
import { finish } from './testing.ts'

const FIXTURE = fileURLToPath(new URL('fixtures/access.log.gz', import.meta.url))
const FIXTURE_LINES = gunzipSync(readFileSync(FIXTURE)).toString().trimEnd().split('\n')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-replay-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function replay(file: string, stdin = ''): Promise<ReplayReport> {
  const { code, out, err } = await finish(['replay', file, '--json'], stdin)
  expect(err).toBe('')
  expect(code).toBe(0)
  return JSON.parse(out) as ReplayReport
}

/** Counts without us: splits each line at its quotes, and begins a session where two hits lie two hours or more apart. */
function plainCount(lines: readonly string[]) {
  const visits = new Map<string, number[]>()
  for (const line of lines) {
    const parts = line.split('"')
    const [day = '', hour, minute, second] = (/\[(.*) \+0000\]/.exec(line)?.[1] ?? '').split(':')
    const at = Date.parse(`${day.replaceAll('/', ' ')} ${hour}:${minute}:${second} GMT`) / 1_000
    const visitor = `${line.split(' ')[0]} ${parts[5]}`
    visits.set(visitor, [...(visits.get(visitor) ?? []), at])
  }
  const sessions: { visitor: string; from: number; to: number; hits: number }[] = []
  for (const [visitor, times] of visits) {
    let last: (typeof sessions)[number] | undefined
    for (const at of times.sort((one, other) => one - other)) {
      if (last === undefined || at - last.to >= 2 * 3_600)
        sessions.push((last = { visitor, from: at, to: at, hits: 1 }))
      else Object.assign(last, { to: at, hits: last.hits + 1 })
    }
  }
  return { visitors: visits.size, sessions }
}

describe('a real log', () => {
  test('has the sessions that a plain count of its gaps has', async () => {
    const { visitors, sessions } = plainCount(FIXTURE_LINES)
    const lengths = sessions.map(({ from, to }) => to - from).sort((one, other) => one - other)
    const report = await replay(FIXTURE)
    expect(Object.keys(report)).toEqual([
      'lines',
      'skipped',
      'visitors',
      'sessions',
      'events',
      'medianSessionSeconds',
      'longest',
    ])
    expect(report).toMatchObject({
      lines: 3_000,
      skipped: 0,
      visitors,
      sessions: sessions.length,
      events: 3_000,
      medianSessionSeconds: ((lengths.at((lengths.length - 1) >> 1) ?? 0) + (lengths.at(lengths.length >> 1) ?? 0)) / 2,
    })
    const expected = sessions
      .map(({ visitor, from, to, hits }) => ({
        visitor,
        start: new Date(from * 1_000).toISOString(),
        durationSeconds: to - from,
        hits,
      }))
      .sort((one, other) => other.durationSeconds - one.durationSeconds || (one.start < other.start ? -1 : 1))
      .slice(0, 10)
    expect(report.longest).toEqual(expected)
  })

  test('has the same sessions when its lines are shuffled', async () => {
    const shuffled = fc.sample(fc.shuffledSubarray(FIXTURE_LINES, { minLength: FIXTURE_LINES.length }), {
      seed: 7,
      numRuns: 1,
    })[0]
    expect(await replay('-', shuffled?.join('\n'))).toEqual(await replay(FIXTURE))
  })
})

/** Few visitors and coarse times, so that gaps of exactly two hours and equal times are common. */
const logs = fc.array(
  fc.tuple(
    fc.constantFrom('10.0.0.1', '10.0.0.2'),
    fc.constantFrom('A', 'B'),
    fc.integer({ min: 0, max: 40 }),
    fc.constantFrom(0, 0, 1, -1),
  ),
  { maxLength: 60 },
)
const lineOf = (address: string, agent: string, at: number) => {
  const [, day, month, year, time] = new Date(at).toUTCString().split(' ')
  return `${address} - - [${day}/${month}/${year}:${time} +0000] "GET / HTTP/1.1" 200 1 "-" "${agent}"`
}

test('any log in any order has the sessions that a plain count of its gaps has', { timeout: 60_000 }, async () => {
  const start = Date.UTC(2025, 11, 31)
  await fc.assert(
    fc.asyncProperty(logs, async (hits) => {
      const lines = hits.map(([address, agent, halfHours, second]) =>
        lineOf(address, agent, start + halfHours * 1_800_000 + second * 1_000),
      )
      const { visitors, sessions } = plainCount(lines)
      const report = await replay('-', lines.join('\n'))
      expect(report).toMatchObject({ lines: lines.length, visitors, sessions: sessions.length, events: lines.length })
    }),
    { numRuns: 25 },
  )
})

test('a line that is not whole is counted with its reason, for people and for programs', async () => {
  const lines = [FIXTURE_LINES[0], '', FIXTURE_LINES[1]?.slice(0, 90), 'nonsense', FIXTURE_LINES[2]].join('\n')
  expect(await replay('-', lines)).toMatchObject({ lines: 5, skipped: 3, events: 2, sessions: 1 })
  const { out } = await finish(['replay', '-'], lines)
  expect(out).toContain('lines skipped   3 (1 empty line, 1 no request, 1 no address)')
  expect(out).toContain('Longest sessions')
})

test('a log of years is replayed as it happened', async () => {
  const year = 365 * 24 * 3_600_000
  const lines = [0, 1, 2, 3].map((age) => lineOf('10.0.0.1', 'A', Date.UTC(2000, 0, 1) + age * 1.5 * year))
  expect(await replay('-', lines.join('\n'))).toMatchObject({ sessions: 4, events: 4, medianSessionSeconds: 0 })
})

test('an empty log has nothing in it', async () => {
  expect(await replay('-')).toEqual({
    lines: 0,
    skipped: 0,
    visitors: 0,
    sessions: 0,
    events: 0,
    medianSessionSeconds: null,
    longest: [],
  })
})

describe('--data', () => {
  test('keeps the result, with the keys shown once, and is not mixed with a second replay', async () => {
    const data = join(folder, 'data')
    const args = ['replay', FIXTURE, '--data', data, '--app-id', 'blog']
    const first = await finish([...args, '--json'])
    expect(first.code).toBe(0)
    expect(first.err).toMatch(/app id +blog/)
    const [shown = ''] = /prod_[\w-]{43}/.exec(first.err) ?? []
    const report = JSON.parse(first.out) as ReplayReport
    const [profiles, app] = await withData(data, async (store) => {
      let sessions = 0
      for await (const profile of store.profiles('blog')) sessions += profile.totalSessions
      return [sessions, (await store.apps())[0]] as const
    })
    expect(profiles).toBe(report.sessions)
    // The replay's own key is gone.
    expect(app?.keys.map(({ keyClass, last4 }) => [keyClass, last4])[0]).toEqual(['production', shown.slice(-4)])
    expect(app?.keys).toHaveLength(4)

    const second = await finish(args)
    expect(second.code).toBe(1)
    expect(second.err).toBe(
      "damson: the app 'blog' has users already, and a replay would mix with them. Choose a new --app-id.",
    )
  })
})

test('a file that is not there, or not whole, ends with one line and 1', async () => {
  const cut = join(folder, 'cut.log.gz')
  writeFileSync(cut, gzipSync(FIXTURE_LINES.join('\n')).subarray(0, 10_000))
  expect(await finish(['replay', join(folder, 'none.log')])).toMatchObject({
    code: 1,
    out: '',
    err: `damson: cannot read ${join(folder, 'none.log')}: there is no such file or folder.`,
  })
  expect(await finish(['replay', cut])).toMatchObject({
    code: 1,
    out: '',
    err: `damson: cannot read ${cut}: its gzip data is damaged or cut off.`,
  })
  expect((await finish(['replay', folder])).err).toBe(`damson: cannot read ${folder}: it is a folder.`)
})
