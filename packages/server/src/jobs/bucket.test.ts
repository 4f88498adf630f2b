import { gunzipSync } from 'node:zlib'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JOB_KIND } from '../engine/job.ts'
import type { Egress } from '../services/egress.ts'
import { localEgress } from '../testing/receiver.ts'
import { createTestServer, TEST_APP, type TestServer, type TestServerOptions } from '../testing/test-server.ts'
import { ACCESS, BUCKET, openS3, type S3 } from './fixtures/s3.ts'

/** Friday, 10 November 2023, noon Pacific. */
const NOON = Date.UTC(2023, 10, 10, 20)
const masterKeys = ['a master key of more than 32 characters']
const ASKED = { startDate: '20231110', s3BucketName: BUCKET, ...ACCESS }

let s3: S3
let world: TestServer
let logged: unknown[]
beforeEach(async () => {
  s3 = await openS3()
  logged = []
})
afterEach(async () => {
  await world.close()
  await s3.close()
})

/** Six users with something to export, each export in files of about three of them. */
async function open(options: TestServerOptions = {}): Promise<void> {
  const note = (fields: object, message: string) => void logged.push(message, fields)
  world = await createTestServer({
    now: NOON,
    masterKeys,
    egress: localEgress(),
    bucketService: { endpoint: `${s3.endpoint}/` },
    jobs: { partBytes: 1_500, bucketPartBytes: 700 },
    logger: { debug: note, info: note, warn: note, error: note },
    ...options,
  })
  for (let user = 0; user < 6; user++) {
    const ids = { userId: `user ${user}`, deviceId: `phone ${user}` }
    await world.call('start', { ...ids, userAttributes: { about: 'x'.repeat(200) } })
    await world.call('track', { ...ids, event: 'Seen', info: 'ü'.repeat(50) })
    await world.call('stop', ids)
  }
  world.clock.advance(2 * HOUR_MS)
}

async function exported(args: Record<string, unknown> = ASKED): Promise<Record<string, unknown>> {
  const { jobId } = await world.call('exportData', args)
  await world.work()
  return world.call('getExportResults', { jobId })
}

/** What we serve ourselves, by the names it has in a bucket. */
async function served({ files }: Record<string, unknown>): Promise<Map<string, string>> {
  const pairs = (files as string[]).map(async (url) => {
    const response = await world.fetch(new Request(url))
    return [url.replace(/^.*\//, ''), await response.text()] as const
  })
  return new Map(await Promise.all(pairs))
}

test('an export is copied to a bucket, in parts, with a manifest after its files [J-31]', async () => {
  await open()
  const results = await exported()
  expect(results).toMatchObject({ state: 'FINISHED', s3CopyStatus: 'SUCCESS', numSessions: 6 })
  const files = await served(results)
  expect(files.size).toBeGreaterThan(2)
  const { [`${[...files.keys()][0]!.replace(/-\d+$/, '')}-manifest`]: manifest, ...objects } = Object.fromEntries(
    [...(await s3.objects())].map(([key, bytes]) => [key, bytes.toString()]),
  )
  expect(objects).toEqual(Object.fromEntries(files))
  const entries = [...files.keys()].map((name) => ({ url: `s3://${BUCKET}/${name}`, mandatory: true }))
  expect(JSON.parse(manifest!)).toEqual({ entries })
  expect(s3.requests.filter((line) => line.includes('partNumber=')).length).toBeGreaterThan(files.size)
  expect(s3.uploads()).toEqual([])
  const puts = s3.requests.filter((line) => line.startsWith('PUT') && !line.includes('?'))
  expect(puts.at(-1)).toContain('-manifest')
})

test('tables are copied packed below a prefix, each with a manifest of its own [J-32]', async () => {
  await open()
  const asked = { ...ASKED, exportFormat: 'csv', compressData: true, s3ObjectPrefix: 'a b/ü/c-' }
  const results = await exported(asked)
  expect(results).toMatchObject({ state: 'FINISHED', s3CopyStatus: 'SUCCESS' })
  const objects = await s3.objects()
  const files = await served(results)
  const manifests = [...objects.keys()].filter((key) => key.endsWith('-manifest'))
  expect(manifests.map((key) => key.replace(/^.*output|-manifest$/g, '')).toSorted()).toEqual([
    'eventparameters',
    'events',
    'experiments',
    'sessions',
    'states',
    'userattributes',
  ])
  expect(objects.size).toBe(files.size + 6)
  for (const [name, text] of files) expect(gunzipSync(objects.get(`a b/ü/c-${name}.gz`)!).toString()).toBe(text)
  const listed = manifests.flatMap(
    (key) => (JSON.parse(objects.get(key)!.toString()) as { entries: { url: string }[] }).entries,
  )
  expect(listed.map(({ url }) => url).toSorted()).toEqual(
    [...files.keys()].map((name) => `s3://${BUCKET}/a b/ü/c-${name}.gz`).toSorted(),
  )
})

test('a bucket that refuses does not cost the export, and says why [J-33]', async () => {
  await open()
  const refused = await exported({ ...ASKED, s3AccessKey: 'another' })
  expect(refused).toMatchObject({ state: 'FINISHED', s3CopyStatus: 'FAILED: 403 SignatureDoesNotMatch' })
  expect((await served(refused)).size).toBeGreaterThan(2)
  expect(await exported({ ...ASKED, s3BucketName: 'no-such-bucket' })).toMatchObject({
    s3CopyStatus: 'FAILED: 404 NoSuchBucket',
  })
  expect(await s3.objects()).toEqual(new Map())
})

test('a bucket that is in trouble is asked again after 5 s, 30 s, 2 and 10 minutes, and then no more [J-34]', async () => {
  await open()
  s3.refuse = (request) => request.includes('partNumber=2')
  const { jobId } = await world.call('exportData', ASKED)
  const begun = () => s3.requests.filter((line) => /^POST .*\?uploads/.test(line)).length
  const waits = [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS]
  await world.work()
  for (const [index, wait] of waits.entries()) {
    expect(await world.call('getExportResults', { jobId })).toMatchObject({ state: 'PENDING' })
    world.clock.advance(wait - 1)
    await world.work()
    expect(begun()).toBe(index + 1)
    world.clock.advance(1)
    await world.work()
    expect(begun()).toBe(index + 2)
  }
  expect(await world.call('getExportResults', { jobId })).toMatchObject({
    state: 'FINISHED',
    s3CopyStatus: 'FAILED: 503 SlowDown',
  })
  expect(s3.uploads()).toEqual([])
})

test('what is in the bucket already is not sent again after trouble', async () => {
  await open()
  let isDown = true
  s3.refuse = (request) => isDown && request.includes('-output-1')
  const { jobId } = await world.call('exportData', ASKED)
  await world.work()
  isDown = false
  world.clock.advance(5 * SECOND_MS)
  await world.work()
  const results = await world.call('getExportResults', { jobId })
  expect(results.s3CopyStatus).toBe('SUCCESS')
  expect(s3.requests.filter((line) => /^POST .*-output-0\?uploads/.test(line))).toHaveLength(1)
  expect((await s3.objects()).size).toBe((await served(results)).size + 1)
})

test('a key that may not list what is unfinished copies all the same', async () => {
  await open()
  s3.refuse = (request) => request.includes('partNumber=2') || (request.startsWith('GET') && 403)
  const { jobId } = await world.call('exportData', ASKED)
  await world.work()
  s3.refuse = (request) => request.startsWith('GET') && 403
  world.clock.advance(5 * SECOND_MS)
  await world.work()
  expect((await world.call('getExportResults', { jobId })).s3CopyStatus).toBe('SUCCESS')
  expect(s3.requests.filter((line) => line.startsWith('GET'))).toHaveLength(1)
  expect(s3.uploads()).toEqual([])
})

test('what others have unfinished in a bucket is left alone', async () => {
  await open()
  const { jobId } = await world.call('exportData', ASKED)
  const begin = (key: string) => fetch(`${s3.endpoint}/${BUCKET}/${key}?uploads`, { method: 'POST' })
  s3.refuse = (request) => request.includes('partNumber=2')
  await world.work()
  s3.refuse = null
  const mine = /^POST \/[^/]+\/(.*)\?uploads/.exec(s3.requests.find((line) => line.includes('?uploads'))!)![1]!
  await begin(mine)
  await begin(`${mine}0`)
  expect(s3.uploads()).toHaveLength(3)
  world.clock.advance(5 * SECOND_MS)
  await world.work()
  expect((await world.call('getExportResults', { jobId })).s3CopyStatus).toBe('SUCCESS')
  expect(s3.uploads()).toHaveLength(1)
})

test('the key to a bucket is written down for nobody, and forgotten when the job has ended [J-35]', async () => {
  await open()
  s3.refuse = () => true
  const s3AccessKey = 'a-secret-of-somebody'
  const { jobId } = await world.call('exportData', { ...ASKED, s3AccessKey })
  const kept = async () => (await world.store.documents(TEST_APP.appId, JOB_KIND)).documents.get(String(jobId))
  for (let waits = 0; waits < 5; waits++) {
    await world.work()
    expect(JSON.stringify(await kept())).not.toContain(s3AccessKey)
    world.clock.advance(10 * MINUTE_MS)
  }
  expect(await kept()).toMatchObject({ state: 'FINISHED', request: { s3: null } })
  expect(logged.length).toBeGreaterThan(0)
  const told = `${JSON.stringify(await world.call('getExportResults', { jobId }))}${JSON.stringify(logged.map(withCause))}`
  for (const secret of [s3AccessKey, 'secret-looking detail']) expect(told).not.toContain(secret)
})

/** Errors with what they carry, as a logger writes them down. */
function withCause(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const fields = value instanceof Error ? { ...value, message: value.message, cause: value.cause } : value
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, withCause(field)]))
}

test('a private address is reached by the ranges that are opened, and by nothing else [J-36]', async () => {
  await open({ egress: localEgress({ allowPrivateDestinations: ['10.0.0.0/8'] }) })
  expect(await exported()).toMatchObject({
    state: 'FINISHED',
    s3CopyStatus: 'FAILED: the bucket may not be called from here (EGRESS_REFUSED)',
  })
  expect(s3.requests).toEqual([])
})

test('without a service of its own, Amazon is asked, in the region that it names [J-37]', async () => {
  const asked: { readonly url: string; readonly scope: string }[] = []
  // Stands in for Amazon, which no test should call.
  const egress: Egress = async (url, { headers = {} } = {}) => {
    asked.push({ url, scope: /Credential=[^/]+\/\d+\/([^,]+),/.exec(headers.authorization!)![1]! })
    if (new URL(url).hostname.includes('eu-north-1'))
      return new Response(null, { status: 200, headers: { etag: '"1"' } })
    return new Response(null, { status: 301, headers: { 'x-amz-bucket-region': 'eu-north-1' } })
  }
  await open({ egress, bucketService: {}, jobs: {} })
  expect(await exported()).toMatchObject({ s3CopyStatus: 'SUCCESS' })
  expect(asked.map(({ url, scope }) => `${new URL(url).hostname} ${scope}`)).toEqual([
    'some-bucket.s3.us-east-1.amazonaws.com us-east-1/s3/aws4_request',
    'some-bucket.s3.eu-north-1.amazonaws.com eu-north-1/s3/aws4_request',
    'some-bucket.s3.eu-north-1.amazonaws.com eu-north-1/s3/aws4_request',
  ])
  asked.length = 0
  await exported({ ...ASKED, s3BucketName: 'with.dots' })
  expect(asked[0]!.url).toMatch(/^https:\/\/s3\.us-east-1\.amazonaws\.com\/with\.dots\/export-/)
})

test('a prefix that is no path, and keys that cannot be kept, are refused [J-38]', async () => {
  await open({ masterKeys: [] })
  for (const s3ObjectPrefix of ['/a', '../a', 'a/../b', 'a/.', 'a\nb', 'a'.repeat(501)])
    expect(await world.call('exportData', { ...ASKED, s3ObjectPrefix })).toMatchObject({
      httpStatus: 400,
      error: { message: "'s3ObjectPrefix' is invalid." },
    })
  expect(await world.call('exportData', { ...ASKED, s3ObjectPrefix: '.a/..b' })).toMatchObject({
    httpStatus: 400,
    error: { message: "'s3AccessKey' cannot be kept: this server has no master key." },
  })
})

test('a key that was sealed with a master key which is gone says so', async () => {
  await open()
  const { jobId } = await world.call('exportData', ASKED)
  const { store, files, clock } = world
  const other = await createTestServer({
    store,
    files,
    now: clock.now(),
    masterKeys: ['another key of more than 32 characters'],
  })
  await other.work()
  expect(await other.call('getExportResults', { jobId })).toMatchObject({
    state: 'FINISHED',
    s3CopyStatus: expect.stringContaining('the master key of the server is another'),
  })
  expect(s3.requests).toEqual([])
})
