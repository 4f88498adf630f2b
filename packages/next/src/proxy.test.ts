import { NextResponse } from 'next/server.js'
import { describe, expect, test } from 'vitest'
import { createDamson } from './edge.ts'
import { cookieOf, createWorld, pageLoad, passedOn } from './world.ts'

describe('a page load', () => {
  test('gives a new visitor a cookie, tells the page who came, and counts once', async () => {
    const { settings, taken } = createWorld()
    const response = await createDamson(settings).proxy(pageLoad())
    const cookie = cookieOf(response)
    expect(cookie).toMatch(/^__Host-damson=1\./)
    expect(passedOn(response)['x-damson-visitor']).toBe(cookie)
    expect(await taken()).toEqual(['resumeSession', 'Page viewed'])
  })

  test('of a known visitor sets nothing and leaves the caching of the page alone', async () => {
    const { settings, taken, server } = createWorld()
    const { proxy } = createDamson(settings)
    const cookie = cookieOf(await proxy(pageLoad()))
    const response = await proxy(pageLoad({ cookie }))
    expect([...response.headers.keys()].filter((name) => !name.startsWith('x-middleware'))).toEqual([])
    expect(passedOn(response)).toMatchObject({ cookie, 'x-damson-visitor': 'cookie' })
    expect(await taken()).toEqual(['resumeSession', 'Page viewed', 'Page viewed'])
    expect(new Set(server.taken.map(({ deviceId }) => deviceId)).size).toBe(1)
  })

  test('counts under a name of your own, or only keeps the session', async () => {
    const named = createWorld({ pageEvent: 'Seite' })
    await createDamson(named.settings).proxy(pageLoad())
    expect(await named.taken()).toEqual(['resumeSession', 'Seite'])
    const silent = createWorld({ pageEvent: false })
    await createDamson(silent.settings).proxy(pageLoad())
    expect(await silent.taken()).toEqual(['resumeSession'])
  })
})

test.each<[string, Record<string, string>, RequestInit?]>([
  ['a prefetch of the browser', { 'sec-purpose': 'prefetch' }],
  ['a prefetch of the router', { 'next-router-prefetch': '1' }],
  ['what a script fetches', { 'sec-fetch-dest': 'empty' }],
  ['an RSC request', { rsc: '1' }],
  ['a form', {}, { method: 'POST' }],
])('%s is not a page somebody opened', async (_name, headers, init) => {
  const { settings, taken } = createWorld()
  await createDamson(settings).proxy(pageLoad(headers, init))
  expect(await taken()).toEqual([])
})

test('a browser that says nothing of its purpose is known by asking for HTML', async () => {
  const { settings, taken } = createWorld()
  const { proxy } = createDamson(settings)
  await proxy(new Request('http://shop.test/', { headers: { accept: '*/*' } }))
  expect(await taken()).toEqual([])
  await proxy(new Request('http://shop.test/', { headers: { accept: 'text/html,*/*' } }))
  expect(await taken()).toEqual(['resumeSession', 'Page viewed'])
})

describe('a visitor who signs in', () => {
  const identify = ({ headers }: { readonly headers: { get(name: string): string | null } }) => headers.get('x-user')

  test('takes along what they did so far, before anything is told of the user; the cookie says that it is done', async () => {
    const { settings, taken, server } = createWorld({ identify })
    const { proxy } = createDamson(settings)
    const visitor = cookieOf(await proxy(pageLoad()))
    const response = await proxy(pageLoad({ cookie: visitor, 'x-user': 'ada' }))
    const signedIn = cookieOf(response)
    expect(signedIn).not.toBe('')
    // What the page reads is the cookie that came.
    expect(passedOn(response)).toMatchObject({ cookie: visitor, 'x-damson-visitor': 'cookie' })
    expect(cookieOf(await proxy(pageLoad({ cookie: signedIn, 'x-user': 'ada' })))).toBe('')
    const views = ['resumeSession', 'Page viewed']
    expect(await taken()).toEqual([...views, 'setUserAttributes', ...views, 'Page viewed'])
    expect(server.taken[2]).toMatchObject({ newUserId: 'ada', deviceId: server.taken[0]?.['deviceId'] })
    expect(server.taken[2]).not.toHaveProperty('userId')
  })

  test('is handed over by whatever they do first: an action, which is no page load', async () => {
    const { settings, taken } = createWorld({ identify })
    const { proxy } = createDamson(settings)
    const cookie = cookieOf(await proxy(pageLoad()))
    expect(cookieOf(await proxy(pageLoad({ cookie, 'x-user': 'ada' }, { method: 'POST' })))).not.toBe('')
    expect(await taken()).toEqual(['resumeSession', 'Page viewed', 'setUserAttributes'])
  })

  test('has nothing to hand over on their very first page', async () => {
    const { settings, taken } = createWorld({ identify })
    const { proxy } = createDamson(settings)
    const cookie = cookieOf(await proxy(pageLoad({ 'x-user': 'ada' })))
    await proxy(pageLoad({ cookie, 'x-user': 'ada' }))
    expect(await taken()).toEqual(['resumeSession', 'Page viewed', 'Page viewed'])
  })
})

test('a forged header of ours reaches no page', async () => {
  const { settings } = createWorld()
  const { proxy } = createDamson(settings)
  const forged = { 'x-damson-visitor': '__Host-damson=1.forged.forged' }
  expect(passedOn(await proxy(pageLoad(forged)))['x-damson-visitor']).toMatch(/^__Host-damson=1\.(?!forged)/)
  expect(passedOn(await proxy(pageLoad({ ...forged, purpose: 'prefetch' })))).not.toHaveProperty('x-damson-visitor')
  const own = NextResponse.next({ request: { headers: new Headers({ ...forged, 'x-tenant': 'a' }) } })
  const passed = passedOn(await proxy(pageLoad({ ...forged, purpose: 'prefetch' }), own))
  expect(passed).toEqual({ 'x-tenant': 'a' })
})

describe('composed with a proxy of your own', () => {
  test('what it changed stays changed', async () => {
    const { settings } = createWorld()
    const own = NextResponse.next({ request: { headers: new Headers({ 'x-tenant': 'a' }) } })
    own.headers.set('cache-control', 'no-store')
    own.cookies.set('theme', 'dark')
    const response = await createDamson(settings).proxy(pageLoad(), own)
    expect(response).toBe(own)
    expect(passedOn(response)).toMatchObject({ 'x-tenant': 'a', 'x-damson-visitor': cookieOf2(response) })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.getSetCookie()).toHaveLength(2)
  })

  test('a rewrite goes on with our header, a redirect and an answer stay what they are', async () => {
    const { settings } = createWorld()
    const { proxy } = createDamson(settings)
    const rewritten = await proxy(pageLoad(), NextResponse.rewrite('https://shop.test/other'))
    expect(passedOn(rewritten)).toHaveProperty('x-damson-visitor')
    const redirected = await proxy(pageLoad(), Response.redirect('https://shop.test/login', 307))
    expect([redirected.status, redirected.headers.get('location')]).toEqual([307, 'https://shop.test/login'])
    expect(passedOn(redirected)).toEqual({})
    expect(cookieOf(redirected)).not.toBe('')
  })

  test('the event that Next passes is no response', async () => {
    const { settings } = createWorld()
    const response = await createDamson(settings).proxy(pageLoad(), { waitUntil: () => undefined })
    expect(response.headers.get('x-middleware-next')).toBe('1')
  })
})

test('trouble goes to onError, and the page is served', async () => {
  for (const broken of [
    { secrets: [] },
    { identify: () => Promise.reject(new Error('your database is down')) },
    { client: { appId: '', clientKey: '' } },
  ]) {
    const { settings, errors } = createWorld(broken)
    const response = await createDamson(settings).proxy(pageLoad())
    expect(response.headers.get('x-middleware-next')).toBe('1')
    expect(errors).toHaveLength(1)
  }
})

test('a thousand requests of a hundred people at once: nobody is taken for another', async () => {
  const world = createWorld({
    pageEvent: 'Visited',
    identify: async ({ headers }) => {
      // Whoever is asked later answers sooner.
      const user = headers.get('x-user') ?? ''
      for (let turns = 100 - Number(user); turns > 0; turns -= 1) await Promise.resolve()
      return user
    },
  })
  const { proxy } = createDamson(world.settings)
  const cookies = new Map<string, string>()
  for (let user = 0; user < 100; user += 1) {
    cookies.set(String(user), cookieOf(await proxy(pageLoad({ 'x-user': String(user), 'sec-fetch-dest': 'empty' }))))
  }
  const requests = Array.from({ length: 1_000 }, (_, index) => String(index % 100))
  await Promise.all(requests.map((user) => proxy(pageLoad({ 'x-user': user, cookie: cookies.get(user) ?? '' }))))
  await world.client.flush()
  const visits = world.server.taken.filter(({ action }) => action === 'track')
  expect(visits).toHaveLength(1_000)
  const devices = new Map<unknown, Set<unknown>>()
  for (const { userId, deviceId } of visits) devices.set(userId, (devices.get(userId) ?? new Set()).add(deviceId))
  expect(devices.size).toBe(100)
  expect(new Set([...devices.values()].flatMap((found) => [...found])).size).toBe(100)
})

/** Ours, where another cookie was set first. */
function cookieOf2(response: Response): string | undefined {
  return response.headers.getSetCookie()[1]?.split(';')[0]
}
