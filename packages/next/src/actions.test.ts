import { notFound, redirect } from 'next/navigation.js'
import { createVisitors } from '@damson/core/web'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createDamson } from './index.ts'
import { cookieOf, createWorld, pageLoad } from './world.ts'

// The request that Next would keep for us; everything else is real, up to the real Next of apps/next.
let request: Headers | Error
let jar: Map<string, { readonly name: string; readonly value: string }>
vi.mock('next/headers.js', () => ({
  headers: () => (request instanceof Error ? Promise.reject(request) : Promise.resolve(request)),
  cookies: () =>
    Promise.resolve({
      has: (name: string) => jar.has(name),
      set: (set: { name: string; value: string }) => jar.set(set.name, set),
    }),
}))

const world = createWorld()
const damson = createDamson(world.settings)
let cookie: string

beforeEach(async () => {
  world.server.reset()
  cookie = cookieOf(await damson.proxy(pageLoad({ 'sec-fetch-dest': 'empty' })))
  request = new Headers({ cookie, 'x-damson-visitor': 'cookie' })
  const [name = '', value = ''] = cookie.split('=')
  jar = new Map([[name, { name, value }]])
})

describe('logout', () => {
  test('ends the session, and leaves the browser to a stranger', async () => {
    await (await damson.getTracker())?.track('Viewed')
    await damson.logout()
    expect(await world.taken()).toEqual(['resumeSession', 'Viewed', 'stop'])
    const [[name = '', set] = []] = jar
    expect(set).toMatchObject({ name: '__Host-damson', path: '/', httpOnly: true, secure: true, sameSite: 'lax' })
    expect(`${name}=${set?.value}`).not.toBe(cookie)
    request = new Headers({ cookie: `${name}=${set?.value}`, 'x-damson-visitor': 'cookie' })
    const before = createVisitors({ secrets: world.settings.secrets })
    expect((await damson.getTracker())?.deviceId).not.toBe((await before.read(cookie))?.deviceId)
    expect(world.errors).toEqual([])
  })

  test('gives none to a browser that had none', async () => {
    jar = new Map()
    await damson.logout()
    expect(jar.size).toBe(0)
  })
})

describe('getTracker', () => {
  test('tracks for whom the proxy saw, known or new', async () => {
    await (await damson.getTracker())?.track('Viewed')
    request = new Headers({ 'x-damson-visitor': cookie })
    await (await damson.getTracker())?.track('Viewed again')
    expect(await world.taken()).toEqual(['resumeSession', 'Viewed', 'Viewed again'])
  })

  test('is nobody where no proxy was passed, as by a prefetch; an action is never one', async () => {
    request = new Headers({ cookie })
    expect(await damson.getTracker()).toBeNull()
    request = new Headers({ cookie, 'next-action': '7f' })
    expect(await damson.getTracker()).not.toBeNull()
  })

  test('is nobody with a header of their own making', async () => {
    request = new Headers({ 'x-damson-visitor': '__Host-damson=1.WyJzb21lb25lIiwxXQ.AAAA' })
    expect(await damson.getTracker()).toBeNull()
  })

  test('lets Next know that a page is not static', async () => {
    request = Object.assign(new Error('dynamic'), { digest: 'DYNAMIC_SERVER_USAGE' })
    await expect(damson.getTracker()).rejects.toBe(request)
  })

  test('sends nothing while Next builds', async () => {
    vi.stubEnv('NEXT_PHASE', 'phase-production-build')
    expect(await damson.getTracker()).toBeNull()
    vi.unstubAllEnvs()
  })
})

describe('trackAction', () => {
  test('tracks what an action did, with what it gave back', async () => {
    const buy = damson.trackAction(
      'Purchase',
      async (count: number) => ({ total: count * 2 }),
      (sale, count) => (sale === undefined ? null : { value: sale.total, params: { count } }),
    )
    expect(await buy(3)).toEqual({ total: 6 })
    await world.taken()
    expect(world.server.taken.at(-1)).toMatchObject({ event: 'Purchase', value: 6, params: { count: 3 } })
  })

  test('a redirect is a good end, and goes on untouched', async () => {
    const add = damson.trackAction('Added', async () => redirect('/cart'))
    await expect(add()).rejects.toMatchObject({ digest: expect.stringMatching(/^NEXT_REDIRECT;.*\/cart/) })
    expect(await world.taken()).toContain('Added')
  })

  test('what fails, or finds nothing, is not tracked and goes on untouched', async () => {
    const failure = new Error('sold out')
    await expect(damson.trackAction('Added', () => Promise.reject(failure))()).rejects.toBe(failure)
    await expect(damson.trackAction('Added', async () => notFound())()).rejects.toMatchObject({
      digest: 'NEXT_HTTP_ERROR_FALLBACK;404',
    })
    await damson.trackAction(
      'Added',
      () => Promise.resolve(),
      () => null,
    )()
    expect(await world.taken()).toEqual([])
  })

  test('trouble of the tracking does not reach the action', async () => {
    request = new Error('no request here')
    const add = damson.trackAction('Added', async () => 'done')
    expect(await add()).toBe('done')
    expect(world.errors).toEqual([request])
  })
})
