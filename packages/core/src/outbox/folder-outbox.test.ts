import { appendFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clientWorld } from '../client/client-world.ts'
import { folderOutbox } from './folder-outbox.ts'
import { readJournal } from './journal.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'damson-outbox-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** What is on the disk, of all owners. */
async function kept(): Promise<string[]> {
  const names: string[] = []
  for (const owner of await readdir(folder)) {
    for (const { name } of (await readJournal(join(folder, owner))).values()) names.push(name ?? '')
  }
  return names
}

/** Gives the folder of an outbox another owner: one whose process is gone. */
async function orphan(): Promise<string> {
  const [owner] = await readdir(folder)
  const orphaned = owner!.replace(/^\d+\.\d+/, '999999999.1')
  await rename(join(folder, owner!), join(folder, orphaned))
  return join(folder, orphaned)
}

test('what track accepted is on the disk, and goes once it has arrived', async () => {
  const { client, ada, server } = clientWorld({ outbox: folderOutbox(folder) })
  await Promise.all([ada.track('a', { item: 'tea' }), ada.track('b')])
  expect(await kept()).toEqual(['a', 'b'])
  expect(await client.close()).toEqual({ sent: 2, dropped: 0, pending: 0 })
  expect(server.taken).toHaveLength(2)
  expect(await readdir(folder)).toEqual([])
})

test('what could not be sent is sent by the next process, with the same ids and before anything new', async () => {
  const first = clientWorld({ outbox: folderOutbox(folder) })
  first.server.failAlways('answerLost')
  for (const name of ['a', 'b']) await first.ada.track(name, { n: 1 })
  const closing = first.client.close({ timeoutMs: 1 })
  await first.timers.advance(1)
  expect(await closing).toEqual({ sent: 0, dropped: 0, pending: 2 })
  await orphan()

  const second = clientWorld({ outbox: folderOutbox(folder), fetch: first.server })
  first.server.failAlways(null)
  await second.ada.track('c')
  expect(await second.client.close()).toEqual({ sent: 3, dropped: 0, pending: 0 })
  // Both had arrived the first time already: the server saw the ids again and counted them once.
  expect(first.taken()).toEqual(['a', 'b', 'c'])
  expect(await kept()).toEqual([])
})

test('a torn tail and a damaged line cost themselves and nothing else', async () => {
  const first = clientWorld({ outbox: folderOutbox(folder) })
  first.server.failAlways('networkError')
  for (const name of ['a', 'b']) await first.ada.track(name)
  const path = join(await orphan(), '00000001.jsonl')
  const text = await readFile(path, 'utf8')
  await writeFile(path, `{"reqId":"half\n${text}`)
  await appendFile(path, text.slice(0, 25))

  const second = clientWorld({ outbox: folderOutbox(folder) })
  expect(await second.client.flush()).toEqual({ sent: 2, dropped: 0, pending: 0 })
  expect(second.taken()).toEqual(['a', 'b'])
  await second.client.close()
})

test('two clients on one folder leave each other alone', async () => {
  const one = clientWorld({ outbox: folderOutbox(folder) })
  const two = clientWorld({ outbox: folderOutbox(folder) })
  await Promise.all([one.ada.track('one'), two.ada.track('two')])
  expect((await kept()).sort()).toEqual(['one', 'two'])
  await Promise.all([one.client.close(), two.client.close()])
  expect([one.taken(), two.taken()]).toEqual([['one'], ['two']])
})

test('only one of many takes over what a dead process left', async () => {
  const dead = clientWorld({ outbox: folderOutbox(folder) })
  dead.server.failAlways('networkError')
  for (let index = 0; index < 50; index += 1) void dead.ada.track(`e${index}`)
  await dead.ada.track('last')
  await orphan()
  const heirs = Array.from({ length: 5 }, () => clientWorld({ outbox: folderOutbox(folder) }))
  await Promise.all(heirs.map(({ client }) => client.close()))
  expect(heirs.map(({ server }) => server.taken.length).sort((a, b) => a - b)).toEqual([0, 0, 0, 0, 51])
})

test('a full outbox keeps the rest in memory and does not call it safe', async () => {
  const { client, ada, taken } = clientWorld({ outbox: folderOutbox(folder, { maxBytes: 400 }) })
  const accepted: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) void ada.track(name).then(() => accepted.push(name))
  await client.flush({ timeoutMs: 1 })
  expect(taken()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  await client.close()
  expect(accepted.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})

test('files go when nothing in them is needed, and what is left can be read', async () => {
  const { client, ada, server } = clientWorld({ outbox: folderOutbox(folder, { segmentBytes: 2_000 }) })
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => ada.track(`e${round}.${index}`)))
    await client.flush()
  }
  server.failAlways('networkError')
  await ada.track('left')
  const [owner] = await readdir(folder)
  expect((await readdir(join(folder, owner!))).length).toBeLessThanOrEqual(3)
  expect(await kept()).toContain('left')
  server.failAlways(null)
})

test('what waits for consent is not written', async () => {
  const { client } = clientWorld({ outbox: folderOutbox(folder), consent: 'pending' })
  const visitor = client.for({ deviceId: 'd1' })
  await client.flush()
  await visitor.track('a')
  expect(await kept()).toEqual([])
  visitor.setConsent('granted')
  await client.close()
})
