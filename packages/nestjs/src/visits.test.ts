import { createClient } from '@damson/core'
import { recordingFetch } from '@damson/core/testing'
import { createVisitors, headersOf } from '@damson/core/web'
import { expect, test } from 'vitest'
import type { Carrier } from './carrier.ts'
import { createVisits, type VisitsOptions } from './visits.ts'

const visitors = createVisitors({ secrets: ['a secret of thirty-two characters'] })

function open(options: Partial<VisitsOptions> = {}) {
  const server = recordingFetch()
  const client = createClient({ appId: 'app', clientKey: 'key', fetch: server })
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const visits = createVisits({ name: 'default', client, visitors, onError, ...options })
  const cookies: string[] = []
  const response = { appendHeader: (_name: string, value: string) => void cookies.push(value) }
  const carrier = (headers: Record<string, string>, rest: Partial<Carrier> = {}): Carrier => ({
    kind: 'http',
    request: {},
    headers: headersOf(headers),
    user: undefined,
    data: null,
    response,
    isQuiet: false,
    ...rest,
  })
  const actions = async () => {
    await client.flush()
    return server.taken
  }
  return { visits, errors, cookies, carrier, actions }
}

const cookieOf = async (deviceId: string) =>
  (await visitors.cookieFor({ deviceId, issuedAt: Date.now() })).split(';', 1)[0] ?? ''

test('resolvers of one query that come at the same time share one new visitor', async () => {
  const { visits, cookies, carrier } = open()
  const one = carrier({}, { kind: 'graphql' })
  const met = await Promise.all([visits.arrive(one), visits.arrive({ ...one }), visits.arrive({ ...one })])
  expect(new Set(met.map(({ tracker }) => tracker?.deviceId)).size).toBe(1)
  expect(cookies).toHaveLength(1)
})

test('who signs in between two resolvers is the same visitor with a name', async () => {
  const { visits, cookies, carrier } = open()
  const one = carrier({}, { kind: 'graphql' })
  const before = await visits.arrive(one)
  const after = await visits.arrive({ ...one, user: { sub: 7 } })
  expect([before.tracker?.userId, after.tracker?.userId]).toEqual([undefined, '7'])
  expect(after.tracker?.deviceId).toBe(before.tracker?.deviceId)
  expect(cookies).toHaveLength(1)
})

test("what a visitor did before they signed in becomes the user's, once; the cookie says that it is done", async () => {
  const { visits, cookies, carrier, actions } = open({ identify: ({ headers }) => headers.get('x-user') })
  const cookie = await cookieOf('d-1')
  await visits.arrive(carrier({ cookie }))
  await visits.arrive(carrier({ cookie, 'x-user': 'ann' }))
  await visits.arrive(
    carrier({ cookie, 'x-user': 'ann', 'sec-fetch-site': 'same-origin' }, { kind: 'ws', response: null }),
  )
  const signedIn = cookies[0]?.split(';', 1)[0] ?? ''
  await visits.arrive(carrier({ cookie: signedIn, 'x-user': 'ann' }))
  const sent = await actions()
  expect(sent.map(({ action }) => action)).toEqual(['resumeSession', 'setUserAttributes', 'resumeSession'])
  expect(sent[1]).toMatchObject({ deviceId: 'd-1', newUserId: 'ann' })
  expect(cookies).toHaveLength(1)
})

test('who signs out leaves the browser to a stranger; who had no cookie gets none', async () => {
  const { visits, cookies, carrier, actions } = open()
  const cookie = await cookieOf('d-1')
  const user = { id: 'ann' }
  await (await visits.arrive(carrier({ cookie }, { user }))).leave()
  const stranger = await visitors.read(cookies.at(-1) ?? '')
  expect(stranger).toMatchObject({ deviceId: expect.not.stringMatching(/^d-1$/) as unknown })
  expect(stranger?.hasSignedIn).toBeUndefined()
  expect((await actions()).at(-1)).toMatchObject({ action: 'stop', userId: 'ann', deviceId: 'd-1' })
  const before = cookies.length
  await (await visits.arrive(carrier({}, { user, isQuiet: true }))).leave()
  expect(cookies).toHaveLength(before)
})

test('trouble with a sign-out is reported, and harms nobody', async () => {
  const { visits, carrier, errors } = open()
  const response = {
    appendHeader() {
      throw new Error('sent')
    },
  }
  const visit = await visits.arrive(carrier({ cookie: await cookieOf('d-1') }, { response }))
  await visit.leave()
  expect(errors).toMatchObject([{ message: 'sent' }])
})

test('who is signed in on their very first request has nothing to hand over', async () => {
  const { visits, carrier, actions } = open()
  await visits.arrive(carrier({}, { user: { id: 'ann' } }))
  expect((await actions()).map(({ action }) => action)).toEqual(['resumeSession'])
})

test.each([
  [{ 'sec-fetch-site': 'same-origin' }, 'd-1'],
  [{ origin: 'https://shop.example', host: 'shop.example' }, 'd-1'],
  [{ 'sec-fetch-site': 'cross-site' }, undefined],
  [{ origin: 'https://evil.example', host: 'shop.example' }, undefined],
  [{}, undefined],
])('a WebSocket opened with %o is the visitor %s', async (headers: Record<string, string>, expected) => {
  const { visits, carrier } = open()
  const cookie = await cookieOf('d-1')
  const { tracker } = await visits.arrive(carrier({ ...headers, cookie }, { kind: 'ws', response: null }))
  expect(tracker?.deviceId).toBe(expected)
})

test('whoever denies consent gets no cookie, and nothing is sent', async () => {
  const { visits, cookies, carrier, actions } = open({ consent: () => 'denied' })
  expect((await visits.arrive(carrier({}))).tracker).toBeNull()
  const { tracker } = await visits.arrive(carrier({ cookie: await cookieOf('d-1') }))
  await tracker?.track('Seen')
  expect([cookies, await actions()]).toEqual([[], []])
})

test('an identify that fails is reported, and the request goes on without a visitor', async () => {
  const { visits, errors, carrier } = open({ identify: () => Promise.reject(new Error('the directory is down')) })
  expect((await visits.arrive(carrier({}))).tracker).toBeNull()
  expect(errors).toEqual([new Error('the directory is down')])
})

test('a response that is under way keeps its headers: its visitor stays unknown', async () => {
  const { visits, cookies, carrier } = open()
  const { tracker } = await visits.arrive(carrier({}, { response: { headersSent: true } }))
  expect([tracker, cookies]).toEqual([null, []])
})
