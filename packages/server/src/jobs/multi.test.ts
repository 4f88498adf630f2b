import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Files, memoryFiles } from '../store/files.ts'
import { createTestServer, TEST_APP, type TestServer } from '../testing/test-server.ts'

const CSV =
  '\uFEFFuserId,userAttributes.Gender,userAttributes.Tags,userAttributes.Old\nann,Male,"[a, b]",TRUE\n,x,,\nbob,Female,,FALSE\n'

let files: Files
let world: TestServer
beforeEach(async () => {
  files = memoryFiles()
  world = await createTestServer({ files, jobs: { rowsPerFile: 50 } })
})
afterEach(() => world.close())

const keys = { appId: TEST_APP.appId, clientKey: 'dev_test', action: 'multi', defaultAction: 'setUserAttributes' }

async function send(query: Record<string, string>, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const response = await world.fetch(
    new Request(`http://test/api?${new URLSearchParams(query)}`, { method: 'POST', ...init }),
  )
  return ((await response.json()) as { response: Record<string, unknown>[] }).response[0]!
}

interface Results {
  readonly state: string
  readonly data: { readonly successesCount: number; readonly failuresCount: number; readonly files: readonly string[] }
}

async function finished({ jobId }: Record<string, unknown>): Promise<Results & { readonly lines: readonly unknown[] }> {
  await world.work()
  const results = (await world.call('getMultiResults', { jobId })) as unknown as Results
  const texts = await Promise.all(
    (results.data?.files ?? []).map(async (url) => (await world.fetch(new Request(url))).text()),
  )
  const lines = texts
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => JSON.parse(line) as unknown)
  return { ...results, lines }
}

async function attributesOf(userId: string): Promise<unknown> {
  return (await world.call('exportUser', { userId })).userAttributes
}

async function expectImported(job: Record<string, unknown>): Promise<void> {
  const { state, data, lines } = await finished(job)
  expect([state, data.successesCount, data.failuresCount]).toEqual(['FINISHED', 2, 1])
  expect(lines).toEqual([
    { success: true },
    { success: false, error: { message: 'Invalid app/user combination' } },
    { success: true },
  ])
  expect(await attributesOf('ann')).toEqual({ Gender: 'Male', Tags: ['a', 'b'], Old: 'True' })
  expect(await attributesOf('bob')).toEqual({ Gender: 'Female', Old: 'False' })
}

describe('multi with createJob takes', () => {
  test('a file of a folder that the operator filled [J-12]', async () => {
    await files.put('imports/bucket/new/users.csv', [Buffer.from(CSV)])
    await expectImported(await send({ ...keys, createJob: 'true', gcsBucket: 'bucket', file: 'new/users.csv' }))
    // It is not ours to remove.
    expect(await files.list('imports/')).toHaveLength(1)
  })

  test('a file in a form, and one that is the body itself [J-13]', async () => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ ...keys, createJob: 'true' })) form.set(name, value)
    form.set('file', new File([CSV], 'users.csv'))
    await expectImported(await send({}, { body: form }))
    await expectImported(await send(keys, { body: CSV, headers: { 'content-type': 'text/csv' } }))
  })

  test('a file behind an address, fetched by the one way out [J-14]', async () => {
    await world.close()
    const urls: string[] = []
    const egress = async (url: string) => {
      urls.push(url)
      return new Response(CSV)
    }
    world = await createTestServer({ files, egress })
    await expectImported(
      await send({ ...keys, createJob: 'true', gcsBucket: 'https://example.com/b/', file: 'a b.csv' }),
    )
    expect(urls).toEqual(['https://example.com/b/a%20b.csv'])
  })

  test('actions as JSON, more than a batch may have [J-15]', async () => {
    const data = Array.from({ length: 1_234 }, (_, n) => ({ action: 'track', userId: `user ${n % 60}`, event: 'e' }))
    const {
      state,
      data: counts,
      lines,
    } = await finished(await send(keys, { body: JSON.stringify({ createJob: true, data }) }))
    expect([state, counts.successesCount, counts.failuresCount, counts.files.length]).toEqual([
      'FINISHED',
      1_234,
      0,
      25,
    ])
    expect(lines).toHaveLength(1_234)
    expect((await world.call('exportUser', { userId: 'user 0' })).events).toMatchObject({ e: { count: 21 } })
  })
})

test('it needs the development key, and says what is missing', async () => {
  const job = { ...keys, createJob: 'true' }
  expect(await send({ ...job, clientKey: 'prod_test' })).toMatchObject({ error: { message: 'Invalid access key' } })
  expect(await send(job)).toMatchObject({ error: { message: "'gcsBucket' must be provided" } })
  expect(await send({ ...job, gcsBucket: 'b' })).toMatchObject({ error: { message: "'file' must be provided" } })
  expect(await send({ ...job, gcsBucket: 'b', file: 'f' })).toMatchObject({ error: { message: 'File not found.' } })
  expect(await send({ ...job, gcsBucket: '..', file: 'f' })).toMatchObject({
    error: { message: "'gcsBucket' is invalid." },
  })
  expect(await send({ ...keys, createJob: 'perhaps' })).toMatchObject({ error: { message: "'createJob' is invalid." } })
})

test('a file that is no table fails its job, and says why', async () => {
  await files.put('imports/b/f', [Buffer.from('a,b\n"1')])
  const { jobId } = await send({ ...keys, createJob: 'true', gcsBucket: 'b', file: 'f' })
  await world.work()
  expect(await world.call('getMultiResults', { jobId })).toMatchObject({
    state: 'FAILED',
    success: false,
    error: { message: expect.stringContaining('The CSV cannot be read') },
  })
})

test('what is uploaded is served to nobody, and goes with the job', async () => {
  const { jobId } = await send(keys, { body: CSV, headers: { 'content-type': 'text/csv' } })
  expect((await world.fetch(new Request(`http://test/files/jobs/${String(jobId)}/upload`))).status).toBe(404)
  expect(await files.list('jobs/')).toHaveLength(1)
  await world.work()
  world.clock.advance(86_400_000)
  await world.work()
  expect(await files.list('')).toEqual([])
})
