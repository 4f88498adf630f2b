import { createTestServer } from '@damson/server/testing'
import { describe, expect, test } from 'vitest'
import { createDamson, engineHandlers } from './edge.ts'
import { cookieOf, createWorld, pageLoad } from './world.ts'

const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

async function visited(options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options)
  const damson = createDamson(world.settings)
  const cookie = cookieOf(await damson.proxy(pageLoad({ 'sec-fetch-dest': 'empty' })))
  return { ...world, damson, cookie }
}

describe('withTracking', () => {
  test('hands the route a tracker of the visitor and of the user you identify', async () => {
    const { damson, cookie, server, client } = await visited({ identify: ({ headers }) => headers.get('x-user') })
    const route = damson.withTracking(async (_request, { params }: { params: { id: string } }, tracker) => {
      await tracker?.track('Searched', { id: params.id })
      return Response.json('found')
    })
    const response = await route(pageLoad({ cookie, 'x-user': 'ada' }), { params: { id: '7' } })
    expect(await response.json()).toBe('found')
    await client.flush()
    expect(server.taken.at(-1)).toMatchObject({ event: 'Searched', userId: 'ada', params: { id: '7' } })
    expect(server.taken.at(-1)?.['deviceId']).toEqual(expect.any(String))
  })

  test('makes up nobody: without a cookie of ours there is no tracker, and no cookie is set', async () => {
    const { damson } = await visited()
    const route = damson.withTracking((_request, _context, tracker) => Response.json(tracker))
    for (const cookie of ['', '__Host-damson=1.made.up', 'other=1']) {
      const response = await route(pageLoad({ cookie }), {})
      expect(await response.json()).toBeNull()
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  test('what the route throws goes on untouched, and broken tracking does not reach it', async () => {
    const { damson, errors } = await visited({ secrets: [] })
    const failure = new Error('out of stock')
    const route = damson.withTracking(() => Promise.reject(failure))
    await expect(route(pageLoad({ cookie: '__Host-damson=1.a.b' }), {})).rejects.toBe(failure)
    expect(errors).toMatchObject([{ code: 'SECRET_INVALID' }, { code: 'SECRET_INVALID' }])
  })
})

test('trackerOf knows the visitor of what the Pages Router hands over, and nobody where a page is only fetched ahead', async () => {
  const { damson, cookie, taken } = await visited()
  const first = await damson.trackerOf({ headers: { 'x-damson-visitor': cookie } })
  const later = await damson.trackerOf({ headers: { cookie } })
  expect([typeof first?.deviceId, later?.deviceId]).toEqual(['string', first?.deviceId])
  for (const headers of [{}, { cookie: '__Host-damson=1.made.up' }, { cookie, 'x-middleware-prefetch': '1' }]) {
    expect(await damson.trackerOf({ headers })).toBeNull()
  }
  await later?.track('Liked')
  expect(await taken()).toEqual(['resumeSession', 'Liked'])
})

describe('the beacon endpoint', () => {
  const beacon = (message: unknown, headers: Record<string, string>) =>
    pageLoad(headers, { method: 'POST', body: JSON.stringify(message) })

  test('counts the page the router moved to, and passes pauses on', async () => {
    const { damson, cookie, taken } = await visited()
    const say = async (message: object) =>
      (await damson.handlers.POST(beacon(message, { ...SAME_ORIGIN, cookie }))).status
    expect(await say({ type: 'page', path: '/cart' })).toBe(204)
    expect(await say({ type: 'pause' })).toBe(204)
    expect(await taken()).toEqual(['resumeSession', 'Page viewed', 'pauseSession'])
  })

  test('asks the cookie who it is, not the page', async () => {
    const { damson, cookie, server, client } = await visited({ identify: () => 'ada' })
    await damson.handlers.POST(beacon({ type: 'page', path: '/', userId: 'eve' }, { ...SAME_ORIGIN, cookie }))
    await client.flush()
    const [handedOver, ...rest] = server.taken
    expect(handedOver).toMatchObject({ action: 'setUserAttributes', newUserId: 'ada' })
    expect(new Set(rest.map(({ userId }) => userId))).toEqual(new Set(['ada']))
  })

  test('refuses other sites, other methods, and more than a beacon', async () => {
    const { damson, cookie, taken } = await visited()
    const { GET, POST } = damson.handlers
    const page = { type: 'page', path: '/' }
    expect((await POST(beacon(page, { cookie, 'sec-fetch-site': 'cross-site' }))).status).toBe(403)
    expect((await POST(beacon({ ...page, path: 'https://evil.test' }, { ...SAME_ORIGIN, cookie }))).status).toBe(400)
    expect((await POST(beacon({ ...page, path: `/${'x'.repeat(2_048)}` }, { ...SAME_ORIGIN, cookie }))).status).toBe(
      413,
    )
    expect((await GET(pageLoad({ ...SAME_ORIGIN, cookie }))).status).toBe(405)
    expect(await taken()).toEqual([])
  })
})

test('a failed request is told without its message, for whoever met it, and opens no session', async () => {
  const { damson, cookie, server, client } = await visited()
  const error = Object.assign(new Error('password was hunter2'), { digest: '123' })
  await damson.onRequestError(error, { headers: { cookie } }, { routePath: '/items/[id]', routeType: 'render' })
  await client.flush()
  expect(server.taken).toMatchObject([
    {
      event: 'Request failed',
      disposition: 'passive',
      params: { route: '/items/[id]', kind: 'render', digest: '123' },
    },
  ])
  expect(JSON.stringify(server.taken)).not.toContain('hunter2')
})

test('the engine answers as a route', async () => {
  const { server, close } = await createTestServer()
  const { POST, OPTIONS } = engineHandlers(server)
  const body = JSON.stringify({ appId: 'app_test', clientKey: 'prod_test', action: 'start', userId: 'ada' })
  const answer = await POST(new Request('https://shop.test/api', { method: 'POST', body }))
  expect(await answer.json()).toMatchObject({ response: [{ success: true }] })
  expect((await OPTIONS(new Request('https://shop.test/api', { method: 'OPTIONS' }))).ok).toBe(true)
  await close()
})
