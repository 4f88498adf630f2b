import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY_MS } from '@damson/core'
import { expect, test } from 'vitest'
import { type Job, JOB_KIND, newJob } from '../engine/job.ts'
import { type S3Target, s3Place } from '../engine/export-jobs.ts'
import { type MultiJob, type MultiRequest, uploadName } from '../engine/import-jobs.ts'
import { createServer } from '../server.ts'
import { createSealer } from '../services/sealing.ts'
import { type Files, folderFiles } from '../store/files.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { localEgress } from '../testing/receiver.ts'
import { TEST_APP } from '../testing/test-server.ts'
import { JOB_MASTER_KEY, JOB_NUMBERS } from './fixtures/job-numbers.ts'
import { kill, pause, startChild, waits } from './fixtures/killing.ts'
import { ACCESS, BUCKET, openS3 } from './fixtures/s3.ts'

/** How often each test kills; `DAMSON_KILLS=50` for the figure that is quoted. */
const KILLS = Number(process.env.DAMSON_KILLS ?? 5)
const SEED = Number(process.env.DAMSON_SEED ?? Date.now() % 1_000_000)
console.info(`DAMSON_SEED=${SEED} DAMSON_KILLS=${KILLS}`)

const USERS = 200
const APP = TEST_APP.appId
const RANGE = { from: 0, to: 4e12, availableFrom: 0, availableTo: 4e12 }

test(
  `an export is finished once and whole over ${KILLS} kills [J-16]`,
  async () => {
    await inFolder(async (folder) => {
      await fill(folder)
      const wait = waits(SEED, 150)
      const parts: number[] = []
      const wanted = await work(folder, ['reference'])
      for (let killed = 0; killed < KILLS; killed += 1) {
        await add(folder, killed)
        const child = await startChild('./job-child.ts', [folder])
        await pause(wait())
        await kill(child)
        parts.push(await partsNow(folder))
      }
      console.info(`parts of files after each kill: ${parts.join(', ')}`)
      const found = await work(folder, [])
      expect(wanted.get('reference')!.split('\n')).toHaveLength(USERS * 3 + 1)
      expect(found.size).toBe(KILLS + 1)
      for (const text of found.values()) expect(text).toBe(wanted.get('reference'))
    })
  },
  60_000 + KILLS * 10_000,
)

test(
  `each row of an import counts once over ${KILLS} kills [J-39]`,
  async () => {
    await inFolder(async (folder) => {
      const { server } = await open(folder)
      // The app is saved before the first thing a server does.
      await server.work()
      await server.stop()
      const wait = waits(SEED, 300)
      const taken: string[] = []
      for (let killed = 0; killed < KILLS; killed += 1) {
        await addImport(folder, killed)
        const child = await startChild('./job-child.ts', [folder])
        await pause(wait())
        await kill(child)
        taken.push(await rowsNow(folder))
      }
      console.info(`rows done of each import after each kill: ${taken.join(' | ')}`)
      const texts = await work(folder, [])
      expect(texts.size).toBe(KILLS)
      for (const text of texts.values()) {
        const lines = text.trimEnd().split('\n')
        expect(lines).toHaveLength(ROWS)
        expect(lines.filter((line) => !line.startsWith('{"success":true'))).toEqual([])
      }
      const { store, server: reader } = await open(folder)
      const counts = new Map<string, number>()
      for await (const { events } of store.profiles(APP))
        for (const [name, { count }] of Object.entries(events)) counts.set(name, (counts.get(name) ?? 0) + count)
      expect([...counts.values()]).toEqual(Array.from({ length: KILLS }, () => ROWS))
      await reader.stop()
    })
  },
  60_000 + KILLS * 10_000,
)

const ROWS = 1_000

async function addImport(folder: string, number: number): Promise<void> {
  const { store, files } = await opened(folder)
  const id = `multi_1_${number}`
  const rows = Array.from({ length: ROWS }, (_, row) => `user ${row % 70},event ${number},${row}\n`)
  await files.put(uploadName(id), [Buffer.from(`userId,event,value\n${rows.join('')}`)])
  const source = { type: 'file', name: uploadName(id), isUpload: true } as const
  const request: MultiRequest = { source, format: 'csv', defaultAction: 'track', fileKey: id }
  const made = newJob({ id, type: 'multi', createdAt: Date.now(), baseUrl: '', request })
  await store.changeDocuments(APP, JOB_KIND, () => ({ answer: null, put: { [id]: made } }))
  await store.close()
}

async function rowsNow(folder: string): Promise<string> {
  const { store } = await opened(folder)
  const jobs = [...(await store.documents(APP, JOB_KIND)).documents.values()] as MultiJob[]
  await store.close()
  return jobs.map(({ progress }) => progress?.rows ?? 0).join(', ')
}

test(
  `a copy to a bucket is finished once and whole over ${KILLS} kills [J-40]`,
  async () => {
    const s3 = await openS3()
    await inFolder(async (folder) => {
      await fill(folder)
      const wait = waits(SEED, 700)
      const found: number[] = []
      for (let killed = 0; killed < KILLS; killed += 1) {
        await add(folder, killed, sealed(`export_1_${killed}`))
        const child = await startChild('./job-child.ts', [folder, s3.endpoint])
        await pause(wait())
        await kill(child)
        found.push((await s3.objects()).size)
      }
      const unfinished = s3.uploads().length
      const texts = await work(folder, [], s3.endpoint)
      const objects = new Map(await s3.objects())
      console.info(
        `objects after each kill: ${found.join(', ')}; uploads begun and not finished then: ${unfinished}, in the end: ${s3.uploads().length}`,
      )
      for (const [id, text] of texts) {
        const manifest = JSON.parse(objects.get(`export-1-${id}-output-manifest`)!.toString()) as Manifest
        const keys = manifest.entries.map(({ url }) => url.replace(`s3://${BUCKET}/`, ''))
        expect(keys.length).toBeGreaterThan(3)
        expect(Buffer.concat(keys.map((key) => objects.get(key)!)).toString()).toBe(text)
        for (const key of [...keys, `export-1-${id}-output-manifest`]) objects.delete(key)
      }
      expect([...objects.keys()]).toEqual([])
      expect(s3.uploads()).toEqual([])
      expect(texts.size).toBe(KILLS)
    })
    await s3.close()
  },
  60_000 + KILLS * 10_000,
)

test('killed between beginning an upload and keeping its id: nothing unfinished is left in the bucket [J-41]', async () => {
  const s3 = await openS3()
  await inFolder(async (folder) => {
    await fill(folder)
    await add(folder, 0, sealed('export_1_0'))
    const killed = new Promise<void>((resolve) => {
      s3.beforeAnswer = async (request) => {
        if (/^POST .*\?uploads/.test(request)) await kill(await child).then(resolve)
      }
    })
    const child = startChild('./job-child.ts', [folder, s3.endpoint])
    await killed
    s3.beforeAnswer = null
    expect(s3.uploads()).toHaveLength(1)
    await work(folder, [], s3.endpoint)
    expect(s3.uploads()).toEqual([])
  })
  await s3.close()
})

interface Manifest {
  readonly entries: readonly { readonly url: string }[]
}

function sealed(fileKey: string): S3Target {
  const credentials = JSON.stringify({ accessId: ACCESS.s3AccessId, accessKey: ACCESS.s3AccessKey })
  const sealer = createSealer([JOB_MASTER_KEY])
  return {
    bucket: BUCKET,
    credentials: sealer.seal(s3Place(APP, fileKey), credentials),
    prefix: '',
    isCompressed: false,
  }
}

async function partsNow(folder: string): Promise<number> {
  return (await folderFiles(join(folder, 'files')).list('public/')).length
}

/** Three sessions of each user. */
async function fill(folder: string): Promise<void> {
  const { server } = await open(folder)
  // The app is saved before the first thing a server does.
  await server.work()
  const data = []
  const began = Date.now() - DAY_MS
  for (let user = 0; user < USERS; user++) {
    const ids = { userId: `user ${user}`, deviceId: `phone ${user}` }
    for (let visit = 0; visit < 3; visit++) {
      const time = (began + visit * 3_600_000) / 1000
      data.push({ ...ids, action: 'start', time }, { ...ids, action: 'track', event: 'Seen', time: time + 1 })
      data.push({ ...ids, action: 'stop', time: time + 2 })
    }
  }
  const { elements } = await server.engine.performImport(APP, data)
  expect(elements.filter(({ outcome }) => !outcome.success)).toEqual([])
  await server.stop()
}

async function opened(folder: string) {
  const store = await sqliteStore({ file: join(folder, 'damson.db') })
  return { store, files: folderFiles(join(folder, 'files')) }
}

async function open(folder: string, endpoint?: string) {
  const { store, files } = await opened(folder)
  const server = createServer({
    store,
    files,
    apps: [TEST_APP],
    exportAvailabilitySeconds: 0,
    masterKeys: [JOB_MASTER_KEY],
    egress: localEgress(),
    ...(endpoint !== undefined && { bucketService: { endpoint } }),
    jobs: JOB_NUMBERS,
  })
  return { store, files, server }
}

/** Carries out what is there, after adding these jobs, and gives what stands in the files of each one. */
async function work(folder: string, ids: readonly string[], endpoint?: string): Promise<Map<string, string>> {
  const { store, files, server } = await open(folder, endpoint)
  for (const id of ids) await store.changeDocuments(APP, JOB_KIND, () => ({ answer: null, put: { [id]: job(id) } }))
  // The lease of one that was killed has to end first.
  await pause(60)
  await server.work()
  const texts = new Map<string, string>()
  const used = new Set<string>()
  for (const [id, document] of (await store.documents(APP, JOB_KIND)).documents) {
    const { state, result } = document as Job
    expect([id, state]).toEqual([id, 'FINISHED'])
    const { files: names, s3CopyStatus } = result as { files: readonly string[]; s3CopyStatus?: string }
    expect(s3CopyStatus).toBe(endpoint === undefined ? undefined : 'SUCCESS')
    for (const name of names) used.add(name)
    texts.set(id, await textOf(files, names))
  }
  // Nothing is left of what was cut off.
  expect(new Set(await files.list('public/'))).toEqual(used)
  await server.stop()
  return texts
}

async function add(folder: string, number: number, s3: S3Target | null = null): Promise<void> {
  const store = await sqliteStore({ file: join(folder, 'damson.db') })
  const id = `export_1_${number}`
  await store.changeDocuments(APP, JOB_KIND, () => ({ answer: null, put: { [id]: job(id, s3) } }))
  await store.close()
}

function job(id: string, s3: S3Target | null = null): Job {
  const request = { format: 'json', range: RANGE, fileKey: id, s3 }
  return newJob({ id, type: 'exportData', createdAt: Date.now(), baseUrl: '', request })
}

async function textOf(files: Files, names: readonly string[]): Promise<string> {
  const chunks: Uint8Array[] = []
  for (const name of names) for await (const chunk of (await files.get(name))!.content) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-jobs-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
