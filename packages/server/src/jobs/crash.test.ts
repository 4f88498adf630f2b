import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY_MS } from '@damson/core'
import { expect, test } from 'vitest'
import { type Job, JOB_KIND, newJob } from '../engine/job.ts'
import { createServer } from '../server.ts'
import { type Files, folderFiles } from '../store/files.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { TEST_APP } from '../testing/test-server.ts'
import { kill, pause, startChild, waits } from './fixtures/killing.ts'

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

async function open(folder: string) {
  const store = await sqliteStore({ file: join(folder, 'damson.db') })
  const files = folderFiles(join(folder, 'files'))
  const server = createServer({
    store,
    files,
    apps: [TEST_APP],
    exportAvailabilitySeconds: 0,
    jobs: { leaseMs: 50, partBytes: 20_000 },
  })
  return { store, files, server }
}

/** Carries out what is there, after adding these jobs, and gives what each one exported. */
async function work(folder: string, ids: readonly string[]): Promise<Map<string, string>> {
  const { store, files, server } = await open(folder)
  for (const id of ids) await store.changeDocuments(APP, JOB_KIND, () => ({ answer: null, put: { [id]: job(id) } }))
  // The lease of one that was killed has to end first.
  await pause(60)
  await server.work()
  const texts = new Map<string, string>()
  const used = new Set<string>()
  for (const [id, document] of (await store.documents(APP, JOB_KIND)).documents) {
    const { state, result } = document as Job
    expect([id, state]).toEqual([id, 'FINISHED'])
    const names = (result as { files: readonly string[] }).files
    for (const name of names) used.add(name)
    texts.set(id, await textOf(files, names))
  }
  // Nothing is left of what was cut off.
  expect(new Set(await files.list('public/'))).toEqual(used)
  await server.stop()
  return texts
}

async function add(folder: string, number: number): Promise<void> {
  const store = await sqliteStore({ file: join(folder, 'damson.db') })
  const id = `export_1_${number}`
  await store.changeDocuments(APP, JOB_KIND, () => ({ answer: null, put: { [id]: job(id) } }))
  await store.close()
}

function job(id: string): Job {
  const request = { format: 'json', range: RANGE, fileKey: id, s3: null }
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
