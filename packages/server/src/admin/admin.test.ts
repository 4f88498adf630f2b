import { beforeEach, describe, expect, test } from 'vitest'
import { createServer, type Server } from '../server.ts'
import { memoryStore } from '../store/memory.ts'
import { TEST_APP } from '../testing/test-server.ts'

const KEY = 'an admin key of at least 32 characters'

let server: Server
beforeEach(() => {
  server = createServer({ store: memoryStore(), apps: [TEST_APP], adminKeys: [KEY] })
})

async function ask(
  action: string,
  args: object = {},
  headers: Record<string, string> = { authorization: `Bearer ${KEY}` },
) {
  const body = JSON.stringify({ action, ...args })
  const response = await server.fetch(new Request('http://test/shop/admin', { method: 'POST', body, headers }))
  const { response: elements } = (await response.json()) as { response: Record<string, unknown>[] }
  return { status: response.status, headers: Object.fromEntries(response.headers), ...elements[0] } as Record<
    string,
    unknown
  >
}
const api = async (args: Record<string, string>) => {
  const response = await server.fetch(
    new Request('http://test/api', { method: 'POST', body: new URLSearchParams(args) }),
  )
  const { response: elements } = (await response.json()) as { response: Record<string, unknown>[] }
  return { status: response.status, ...elements[0] } as Record<string, unknown>
}
const app = { appId: 'app_test' }

describe('the admin surface is closed', () => {
  test.each([
    ['no key', {}],
    ['another key', { authorization: 'Bearer another admin key of 32 characters.' }],
    ['a key of the app', { authorization: 'Bearer dev_test' }],
    ['the key in other words', { authorization: KEY }],
  ])('to %s', async (_, headers) => {
    const { status, headers: answered } = await ask('listApps', {}, headers)
    expect(status).toBe(401)
    expect(answered).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' })
  })

  test('to pages of other origins, and to GET', async () => {
    expect((await ask('listApps')).headers).not.toHaveProperty('access-control-allow-origin')
    const get = new Request('http://test/admin?action=listApps', { headers: { authorization: `Bearer ${KEY}` } })
    expect((await server.fetch(get)).status).toBe(405)
  })

  test('where no key was given, and its key opens nothing else', async () => {
    const bare = createServer({ store: memoryStore(), apps: [TEST_APP] })
    const request = new Request('http://test/admin', { method: 'POST', body: '{"action":"listApps"}' })
    expect((await bare.fetch(request)).status).toBe(404)
    expect(await api({ ...app, clientKey: KEY, action: 'getAbTests' })).toMatchObject({ status: 403 })
  })

  test('to keys that could be guessed', () => {
    expect(() => createServer({ store: memoryStore(), adminKeys: ['short'] })).toThrow(
      'Expected an admin key of 32 characters or more, and found 5.',
    )
  })

  test('to what is no action, and to arguments that are missing or wrong', async () => {
    expect(await ask('start')).toMatchObject({ status: 400, error: { message: 'Unknown action: start' } })
    expect(await ask('getContent')).toMatchObject({ status: 400, error: { message: "'appId' must be provided" } })
    expect(await ask('applyContent', { ...app, content: 5 })).toMatchObject({ status: 400 })
    expect(await ask('getContent', { appId: 'none' })).toMatchObject({
      status: 404,
      error: { message: 'App not found' },
    })
    const broken = new Request('http://test/admin', {
      method: 'POST',
      body: '[',
      headers: { authorization: `Bearer ${KEY}` },
    })
    expect((await server.fetch(broken)).status).toBe(400)
  })
})

describe('apps and keys', () => {
  test('an app that was made can be used at once, and its keys are told only then', async () => {
    const made = await ask('createApp', { name: 'New', appId: 'new' })
    const keys = made.keys as Record<string, string>
    const first = { appId: 'new', clientKey: keys.production!, action: 'start', userId: 'ann' }
    expect(await api(first)).toMatchObject({ status: 200, success: true })
    const listed = JSON.stringify(await ask('listApps'))
    expect(listed).toContain(keys.production!.slice(-4))
    expect(listed).not.toContain(keys.production)
    expect(await ask('createApp', { name: 'Again', appId: 'new' })).toMatchObject({
      error: { message: "'appId' is invalid." },
    })
  })

  test('a key that was rotated ends at once, or later', async () => {
    const start = { ...app, action: 'start', userId: 'ann' }
    const { key } = await ask('rotateKey', { ...app, keyClass: 'production', keepOldForSeconds: 3600 })
    expect(await api({ ...start, clientKey: 'prod_test' })).toMatchObject({ status: 200 })
    expect(await api({ ...start, clientKey: key as string })).toMatchObject({ status: 200 })
    await ask('rotateKey', { ...app, keyClass: 'production' })
    expect(await api({ ...start, clientKey: 'prod_test' })).toMatchObject({ status: 403 })
    expect(await api({ ...start, clientKey: key as string })).toMatchObject({ status: 403 })
    expect(await ask('rotateKey', { ...app, keyClass: 'contentReadWrite' })).toMatchObject({ status: 400 })
  })
})

describe('content and files', () => {
  const content = { variables: { title: { type: 'string', value: 'Hello' } } }
  const start = { ...app, clientKey: 'prod_test', action: 'start', userId: 'ann' }

  test('a plan changes nothing; applying does, at once, and what is there is told as it is written down', async () => {
    const planned = await ask('planContent', { ...app, content })
    expect(planned).toMatchObject({ status: 200, changes: [{ type: 'add', section: 'variables', name: 'title' }] })
    expect(await api(start)).toMatchObject({ vars: {} })
    expect((await ask('applyContent', { ...app, content })).changes).toEqual(planned.changes)
    expect(await api(start)).toMatchObject({ vars: { title: 'Hello' } })
    expect((await ask('getContent', app)).content).toMatchObject(content)
    expect((await ask('applyContent', { ...app, content })).changes).toEqual([])
  })

  test.each([
    [{ audiences: { gold: 'everyone and' } }, 'content.audiences.gold: expected attribute', ['audiences', 'gold']],
    [
      { variables: { title: { type: 'text' } } },
      'content.variables.title.type: Invalid option',
      ['variables', 'title', 'type'],
    ],
  ])('broken content changes nothing and says where: %j', async (broken, message, path) => {
    const { status, error, problems } = await ask('applyContent', { ...app, content: { ...content, ...broken } })
    expect(status).toBe(400)
    expect((error as { message: string }).message).toContain(message)
    expect(problems).toMatchObject([{ path }])
    expect(await api(start)).toMatchObject({ vars: {} })
  })

  test('who applies content may say who they are, and A/B tests tell it [V-19]', async () => {
    const tests = { 5: { name: 'Title', state: 'running', variants: { 51: { name: 'a' } } } }
    await ask('applyContent', { ...app, content: { tests }, by: 'ann@shop.example' })
    const asked = { ...app, clientKey: 'content_test', action: 'getAbTest', id: '5' }
    const details = { createdBy: 'ann@shop.example', publishedBy: 'ann@shop.example' }
    expect(await api(asked)).toMatchObject({ abTest: { details } })
  })

  test('Android notification channels are kept by the rules of the API, and told to devices at once', async () => {
    expect(await ask('putNotificationChannel', { ...app, id: 'c1', name: 'News' })).toMatchObject({
      channelCreated: true,
    })
    await ask('putNotificationChannel', { ...app, id: 'c2', name: 'Offers' })
    expect(await api(start)).toMatchObject({ defaultNotificationChannel: 'c1' })
    expect(await ask('deleteNotificationChannel', { ...app, channelId: 'c1' })).toMatchObject({ status: 400 })
    expect(await ask('deleteNotificationChannel', { ...app, channelId: 'c2' })).toMatchObject({ channelDeleted: true })
    expect((await ask('listNotificationChannels', app)).notificationChannels).toMatchObject([{ id: 'c1' }])
    expect(await ask('putNotificationChannel', { appId: 'none', id: 'c', name: 'c' })).toMatchObject({ status: 404 })
  })

  test('files are told, and removed with their address', async () => {
    const form = new FormData()
    form.set('filename', 'a.txt')
    form.set('file', new Blob(['hello']))
    const url = 'http://test/api?appId=app_test&clientKey=dev_test&action='
    await server.fetch(new Request(`${url}uploadFile`, { method: 'POST', body: form }))
    const { headers } = await server.fetch(new Request(`${url}downloadFile&filename=a.txt`))
    expect((await ask('listFiles', app)).files).toMatchObject([{ filename: 'a.txt', bytes: 5 }])
    expect(await ask('deleteFile', { ...app, filename: 'a.txt' })).toMatchObject({ removed: true })
    expect(await ask('deleteFile', { ...app, filename: 'a.txt' })).toMatchObject({ removed: false })
    expect((await server.fetch(new Request(`${url}downloadFile&filename=a.txt`))).status).toBe(404)
    expect((await server.fetch(new Request(headers.get('location')!))).status).toBe(404)
  })
})

describe('campaigns', () => {
  const webhook = { name: 'Hello', state: 'active', channel: 'webhook', content: { url: 'https://shop.example/' } }
  const campaign = { name: 'Autumn', state: 'active', messages: [42], perSecond: 1 }
  const schedule = { cron: '0 9 1 1 *' }
  const told = async () => ((await ask('listCampaigns', app)).campaigns as Record<string, unknown>[])[0]

  test('are told with their next time, begun by hand and cancelled', async () => {
    const users = ['ann', 'bob', 'eve']
    for (const userId of users) await api({ ...app, clientKey: 'prod_test', action: 'start', userId })
    await ask('applyContent', {
      ...app,
      content: { messages: { 42: webhook }, campaigns: { 7: { ...campaign, schedule } } },
    })
    expect(await told()).toEqual({ id: 7, name: 'Autumn', state: 'active', next: expect.any(Number), runs: [] })
    expect(new Date(Number((await told())!.next) * 1000).toISOString()).toMatch(/-01-01T09:00:00.000Z$/)

    const { run } = await ask('runCampaign', { ...app, campaignId: 7 })
    expect(run).toMatch(/^campaign_1_7_\d+$/)
    expect(await ask('runCampaign', { ...app, campaignId: 7 })).toMatchObject({ status: 409, success: false })
    expect((await told())!.runs).toMatchObject([{ id: run, state: 'waiting', users: 0, sent: 0 }])
    await server.work()
    expect((await told())!.runs).toMatchObject([{ id: run, state: 'running', sent: 1 }])

    expect(await ask('cancelCampaign', { ...app, campaignId: 7 })).toMatchObject({ cancelled: true })
    await server.work()
    expect((await told())!.runs).toMatchObject([{ id: run, state: 'cancelled', sent: 1, finished: expect.any(Number) }])
    expect(await ask('cancelCampaign', { ...app, campaignId: 7 })).toMatchObject({ cancelled: false })
  })

  test('that are not there, or not active, cannot be begun', async () => {
    const content = { messages: { 42: webhook }, campaigns: { 7: { ...campaign, state: 'draft' } } }
    await ask('applyContent', { ...app, content })
    for (const campaignId of [7, 8])
      expect(await ask('runCampaign', { ...app, campaignId })).toMatchObject({ status: 404, success: false })
    expect(await ask('listCampaigns', { appId: 'none' })).toMatchObject({ status: 404 })
  })
})
