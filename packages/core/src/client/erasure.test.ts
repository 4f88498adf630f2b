import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderOutbox } from '../outbox/folder-outbox.ts'
import { clientWorld } from './client-world.ts'

test('deleteUser drops what waits for the user, wherever, and then asks the server', async () => {
  const { client, ada, server, dropped, taken } = clientWorld()
  const grace = client.for({ userId: 'grace' })
  await ada.track('a')
  await grace.track('b')
  await client.for({ userId: 'ada', deviceId: 'phone' }, { consent: 'pending' }).track('c')
  expect(await ada.deleteUser({ fullErasure: true })).toEqual({ delivered: true, warning: null })
  expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([
    ['c', 'deleted'],
    ['a', 'deleted'],
  ])
  await client.flush()
  expect(taken()).toHaveLength(2)
  expect(taken()).toEqual(expect.arrayContaining(['b', 'deleteUser']))
  expect(server.taken.find(({ action }) => action === 'deleteUser')).toMatchObject({ userId: 'ada', fullErasure: true })
  expect(client.stats()).toMatchObject({ pending: 0, waitingForConsent: 0, dropped: { deleted: 2 } })
})

test('what is on its way when its user is deleted is not sent again', async () => {
  const { client, ada, server, dropped, timers, taken } = clientWorld()
  server.fail('networkError')
  await ada.track('a', {}, { urgent: true })
  const forgotten = ada.forget()
  await timers.advance(60_000)
  await forgotten
  expect(dropped).toMatchObject([{ name: 'a', reason: 'deleted' }])
  await client.flush()
  expect(taken()).toEqual([])
})

test('a visitor who signs in as the user is the user', async () => {
  const { client, ada, dropped } = clientWorld()
  const visitor = client.for({ deviceId: 'phone' })
  await visitor.track('before')
  await visitor.setUserAttributes({}, { newUserId: 'ada' })
  await ada.forget()
  expect(dropped).toHaveLength(2)
  expect(await client.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
})

test('what waits for room is dropped with the rest, and the others keep their places', async () => {
  const { client, ada, taken, timers } = clientWorld({ maxQueue: 2, overflow: 'wait' })
  const grace = client.for({ userId: 'grace' })
  const tracked = [ada.track('a'), grace.track('b'), ada.track('c'), grace.track('d')]
  await timers.settle()
  await ada.forget()
  while (client.stats().pending > 0) await client.flush()
  await Promise.all(tracked)
  expect(taken()).toEqual(['b', 'd'])
})

test('nothing of a deleted user can be read from the outbox, and nothing of another is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'damson-erasure-'))
  const { client, server, timers } = clientWorld({ outbox: folderOutbox(folder) })
  server.failAlways('networkError')
  const ada = client.for({ userId: 'ada.lovelace' })
  const grace = client.for({ userId: 'grace' })
  for (let index = 0; index < 20; index += 1) {
    await Promise.all([ada.track('a', { secret: 'rosebud' }), grace.track(`g${index}`)])
  }
  const onDisk = async () => {
    const names = await readdir(folder, { recursive: true })
    const files = names.filter((name) => name.endsWith('.jsonl'))
    return (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('')
  }
  expect(await onDisk()).toMatch(/ada\.lovelace[^]*rosebud/)
  await ada.forget()
  expect(await onDisk()).not.toMatch(/ada|rosebud/)
  expect((await onDisk()).match(/"name":"g\d+"/g)).toHaveLength(20)
  await grace.track('later')
  server.failAlways(null)
  const closed = client.close()
  await timers.advance(60_000)
  expect(await closed).toEqual({ sent: 21, dropped: 0, pending: 0 })
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})
