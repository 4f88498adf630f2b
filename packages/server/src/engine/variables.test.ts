import { SECOND_MS } from '@damson/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { exportedContent } from '../content/plan.ts'
import type { ContentSource } from '../content/source.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'

const NOW = 1_700_000_000
const ann = { userId: 'ann', deviceId: 'd1' }

let world: TestServer
beforeEach(async () => {
  world = await createTestServer({ now: NOW * SECOND_MS })
})

const call = (action: string, args: Record<string, unknown> = {}) => world.call(action, args)
const apply = async (content: ContentSource) => {
  const plan = await world.server.engine.applyContent('app_test', content)
  if (!plan.ok) throw new Error(JSON.stringify(plan.problems))
}
const entered = async (userId = 'ann') =>
  (await world.entries('app_test', userId)).filter(({ kind }) => kind === 'variantEntered')
const half = (more: object = {}) => ({
  tests: {
    5: {
      name: 'Title',
      state: 'running',
      variants: { 51: { name: 'a' }, 52: { name: 'b', weight: 0 } },
      ...more,
    } as const,
  },
})

describe('setVars and deleteVars', () => {
  test('defaults are a tree, dots make groups, and what is not named stays [V-01]', async () => {
    expect(await call('setVars', { vars: { title: 'Hi', 'shop.color': 1 } })).toEqual({
      httpStatus: 200,
      success: true,
    })
    await call('setVars', {
      vars: JSON.stringify({ shop: { color: 2, sizes: ['S'] } }),
      kinds: '{"shop.color":"color"}',
    })
    expect((await call('getVars')).vars).toEqual({ title: 'Hi', shop: { color: 2, sizes: ['S'] } })
  })

  test('a value that becomes a group, and a group that becomes a value, is what it was set to last [V-01]', async () => {
    await call('setVars', { vars: { a: 1, b: { c: 1, d: 2 } } })
    await call('setVars', { vars: { a: { x: 1 }, b: 3 } })
    expect((await call('getVars')).vars).toEqual({ a: { x: 1 }, b: 3 })
  })

  test('needs vars or actionDefinitions, and names the limit of what an app may have [V-02]', async () => {
    expect(await call('setVars')).toMatchObject({ httpStatus: 400, error: { message: "'vars' must be provided" } })
    expect(await call('setVars', { actionDefinitions: { Alert: { kind: 3 } } })).toMatchObject({ httpStatus: 200 })
    const { httpStatus, error } = await call('setVars', { vars: { long: 'x'.repeat(1024 * 1024) } })
    expect(httpStatus).toBe(400)
    expect(error).toEqual({
      message: expect.stringMatching(/^'vars' would bring the app's variables to 1048\d+ bytes; at most 1048576/),
    })
    expect((await call('getVars')).vars).toEqual({})
  })

  test('a name that could reach a prototype is refused [V-02]', async () => {
    expect(await call('setVars', { vars: { 'a.__proto__.b': 1 } })).toMatchObject({ httpStatus: 400 })
  })

  test('deleteVars says which it removed, groups whole [V-03]', async () => {
    await call('setVars', { vars: { a: 1, g: { x: 1, y: 2 }, kept: 1 } })
    expect(await call('deleteVars', { vars: ['a', 'g', 'nope'] })).toMatchObject({ variablesRemoved: ['a', 'g'] })
    expect((await call('getVars')).vars).toEqual({ kept: 1 })
  })

  test('production keys may do neither', async () => {
    expect(await call('setVars', { vars: {}, clientKey: 'prod_test' })).toMatchObject({ httpStatus: 403 })
    expect(await call('deleteVars', { vars: [], clientKey: 'prod_test' })).toMatchObject({ httpStatus: 403 })
  })
})

describe('start and getVars', () => {
  const content: ContentSource = {
    variables: { title: { type: 'string', values: [{ where: 'attribute.plan = "gold"', value: 'Golden' }] } },
  }

  test('attributes given with start target what that start answers [V-04]', async () => {
    await call('setVars', { vars: { title: 'Hi', n: 1 } })
    await apply(content)
    const gold = await call('start', { ...ann, userAttributes: { plan: 'gold' } })
    expect(gold.vars).toEqual({ title: 'Golden', n: 1 })
    expect((await call('getVars', ann)).vars).toEqual({ title: 'Golden', n: 1 })
    expect((await call('start', { userId: 'bob' })).vars).toEqual({ title: 'Hi', n: 1 })
  })

  test('without defaults only what differs from the code is told [V-05]', async () => {
    await call('setVars', { vars: { title: 'Hi', n: 1 } })
    await apply(content)
    expect((await call('start', { ...ann, includeDefaults: false })).vars).toEqual({})
    await call('setUserAttributes', { ...ann, userAttributes: { plan: 'gold' } })
    expect((await call('getVars', { ...ann, includeDefaults: 'false' })).vars).toEqual({ title: 'Golden' })
  })

  test('in devMode what the code said comes along; otherwise not [V-06]', async () => {
    await call('setVars', {
      vars: { title: 'Hi' },
      actionDefinitions: { Alert: { kind: 3 } },
      fileAttributes: { f: {} },
    })
    expect(await call('start', { ...ann, devMode: true })).toMatchObject({
      varsFromCode: { title: 'Hi' },
      actionDefinitions: { Alert: { kind: 3 } },
      fileAttributes: { f: {} },
    })
    expect(await call('start', ann)).not.toHaveProperty('varsFromCode')
  })

  test('without anybody: what a blank user would see, with the development key [V-07]', async () => {
    await call('setVars', { vars: { title: 'Hi' } })
    await apply(half())
    expect(await call('getVars')).toMatchObject({ vars: { title: 'Hi' }, variants: [{ id: 51 }] })
    expect(await call('getVars', { clientKey: 'prod_test' })).toMatchObject({ httpStatus: 404 })
  })

  test('a content change reaches another node that looks [V-08]', async () => {
    const other = await createTestServer({ now: NOW * SECOND_MS, store: world.store })
    await other.call('getVars')
    await call('setVars', { vars: { title: 'Hi' } })
    expect((await other.call('getVars')).vars).toEqual({})
    await other.server.engine.refresh()
    expect((await other.call('getVars')).vars).toEqual({ title: 'Hi' })
  })
})

describe('A/B tests', () => {
  test('the first time a variant is given is an impression, and the only one [V-09]', async () => {
    await apply(half())
    expect((await call('start', ann)).variants).toEqual([{ id: 51 }])
    expect((await call('start', ann)).variants).toEqual([{ id: 51 }])
    await call('getVars', ann)
    const [session] = (await world.entries('app_test', 'ann')).filter(({ kind }) => kind === 'sessionStarted')
    const { record } = session as { record: string }
    expect(await entered()).toEqual([{ kind: 'variantEntered', at: NOW * SECOND_MS, record, testId: 5, variantId: 51 }])
  })

  test('getVars gives a variant, too, and does not start a session [V-09]', async () => {
    await apply(half())
    await call('setUserAttributes', ann)
    await call('getVars', ann)
    expect(await entered()).toMatchObject([{ record: null, variantId: 51 }])
    expect(await call('exportUser', { userId: 'ann' })).toMatchObject({ totalSessions: 0 })
  })

  test('a start that is sent again is answered with content and is no second impression [V-09]', async () => {
    await apply(half())
    const message = { ...ann, reqId: 'r1' }
    const first = await call('start', message)
    expect((await call('start', message)).variants).toEqual(first.variants)
    expect(await entered()).toHaveLength(1)
  })

  test('whoever registers or logs in keeps the variant [V-10]', async () => {
    await apply(half())
    await call('start', { deviceId: 'd1' })
    await apply(half({ variants: { 51: { name: 'a', weight: 0 }, 52: { name: 'b' } } }))
    await call('setUserAttributes', { deviceId: 'd1', newUserId: 'ann' })
    expect((await call('start', ann)).variants).toEqual([{ id: 51 }])
    expect((await call('start', { userId: 'bob' })).variants).toEqual([{ id: 52 }])
    await call('start', { deviceId: 'd2' })
    await call('setUserAttributes', { deviceId: 'd2', newUserId: 'ann' })
    expect((await call('start', ann)).variants, 'those of the target win').toEqual([{ id: 51 }])
  })

  test('variantDebugInfo says what each variant sets, if it is asked for [V-11]', async () => {
    await call('setVars', { vars: { title: 'Hi' } })
    await apply(half({ variants: { 51: { name: 'a', variables: { title: 'A' } } } }))
    expect((await call('start', { ...ann, includeVariantDebugInfo: true })).variantDebugInfo).toEqual({
      abTests: [{ id: 5, variantId: 51, vars: { title: 'A' } }],
    })
    expect(await call('start', ann)).not.toHaveProperty('variantDebugInfo')
  })

  test('getAbTests, getAbTest and getVariant tell what there is [V-12]', async () => {
    await call('setVars', { vars: { title: 'Hi' } })
    await apply(
      half({ percent: 40, variants: { 51: { name: 'a', weight: 3 }, 52: { name: 'b', variables: { title: 'B' } } } }),
    )
    const told = {
      id: 5,
      name: 'Title',
      active: true,
      state: 'running',
      created: NOW,
      updated: NOW,
      targetingSticky: false,
      variants: [
        { id: 51, name: 'a', percent: 30, variables: [] },
        { id: 52, name: 'b', percent: 10, variables: [{ name: 'title', value: 'B' }] },
      ],
      details: {},
    }
    expect((await call('getAbTests')).abTests).toEqual([told])
    expect((await call('getAbTest', { id: 5 })).abTest).toEqual(told)
    expect((await call('getVariant', { id: 52 })).variant).toEqual(told.variants[1])
    expect(await call('getAbTest', { id: 6 })).toMatchObject({
      httpStatus: 404,
      error: { message: 'A/B test not found.' },
    })
    expect(await call('getVariant', { id: 5 })).toMatchObject({
      httpStatus: 404,
      error: { message: 'Variant not found.' },
    })
  })

  test('details of a test say who created it, and who published it as it is, if they said who they are [V-19]', async () => {
    const by = async (state: 'draft' | 'running', name: string | undefined, percent = 100) => {
      const { engine } = world.server
      expect(await engine.applyContent('app_test', half({ state, percent }), name)).toMatchObject({ ok: true })
      const { abTest } = (await call('getAbTest', { id: 5, includeDrafts: true })) as { abTest?: { details: object } }
      return abTest?.details
    }
    expect(await by('draft', 'Ann')).toEqual({ createdBy: 'Ann' })
    expect(await by('running', 'Bob')).toEqual({ createdBy: 'Ann', publishedBy: 'Bob' })
    expect(await by('running', 'Eve'), 'nothing changed').toEqual({ createdBy: 'Ann', publishedBy: 'Bob' })
    expect(await by('running', undefined, 50)).toEqual({ createdBy: 'Ann' })
    expect(await by('draft', 'Eve', 50)).toEqual({ createdBy: 'Ann' })
    const { documents } = await world.store.documents('app_test', 'content')
    expect(exportedContent(documents).tests, 'what people write down has none of it').toEqual(
      half({ state: 'draft', percent: 50 }).tests,
    )
  })

  test('drafts are told only if asked for, and what ended more than thirty days ago only without recent [V-12]', async () => {
    await apply(half({ state: 'draft' }))
    expect((await call('getAbTests')).abTests).toEqual([])
    expect((await call('getAbTests', { includeDrafts: 1 })).abTests).toMatchObject([{ state: 'draft', active: false }])
    await apply(half({ state: 'finished', chosenVariant: 52 }))
    const finished = { state: 'finished', active: false, finished: NOW, chosenVariant: 52 }
    expect((await call('getAbTests')).abTests).toMatchObject([finished])
    world.clock.advance(31 * 86_400 * SECOND_MS)
    expect((await call('getAbTests')).abTests).toEqual([])
    expect((await call('getAbTests', { recent: '0' })).abTests).toMatchObject([finished])
  })
})

describe('files', () => {
  const send = (query: Record<string, string>, form: FormData | null = null) =>
    world.fetch(
      new Request(`http://test/api?${new URLSearchParams({ appId: 'app_test', clientKey: 'dev_test', ...query })}`, {
        method: form === null ? 'GET' : 'POST',
        body: form,
      }),
    )
  const upload = async (fields: Record<string, string>, parts: Record<string, string>) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    for (const [name, text] of Object.entries(parts)) form.set(name, new Blob([text], { type: 'text/html' }), 'x')
    const response = await send({ action: 'uploadFile' }, form)
    const { response: elements } = (await response.json()) as { response: { error?: { message: string } }[] }
    return { status: response.status, message: elements[0]?.error?.message }
  }
  const locationOf = async (filename: string) => {
    const { status, headers } = await send({ action: 'downloadFile', filename, clientKey: 'prod_test' })
    expect(status).toBe(302)
    return new URL(headers.get('location')!, 'http://test/api')
  }

  test('what was uploaded is found at an address nobody can guess, and may be kept [V-13]', async () => {
    expect(
      await upload({ filename: 'a.html', size: '5', hash: '5d41402abc4b2a76b9719d911017c592' }, { file: 'hello' }),
    ).toEqual({ status: 200 })
    const url = await locationOf('a.html')
    expect(url.pathname).toMatch(/^\/files\/content\/1\/f[\w-]{43}\.html$/)
    const found = await world.fetch(new Request(url))
    expect(await found.text()).toBe('hello')
    expect(Object.fromEntries(found.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    })
    const again = new Request(url, { headers: { 'if-none-match': found.headers.get('etag')! } })
    expect((await world.fetch(again)).status).toBe(304)
    url.pathname = `/files/content/1/f${'x'.repeat(43)}.html`
    expect((await world.fetch(new Request(url))).status).toBe(404)
  })

  test('several at once; a file uploaded again has another address, and the old one is gone [V-13]', async () => {
    const data = JSON.stringify([{ filename: 'a' }, { filename: 'b', size: 3 }])
    expect(await upload({ data }, { file0: 'one', file1: 'two' })).toEqual({ status: 200 })
    const before = await locationOf('b')
    expect(await (await world.fetch(new Request(before))).text()).toBe('two')
    await upload({ data }, { file0: 'one', file1: 'TWO' })
    expect(await (await world.fetch(new Request(await locationOf('b')))).text()).toBe('TWO')
    expect((await world.fetch(new Request(before))).status).toBe(404)
  })

  test.each([
    ['no part', { filename: 'a' }, {}, "'file' must be provided"],
    ['no name', {}, { file: 'x' }, "'filename' must be provided for 'file'"],
    ['another size', { filename: 'a', size: '2' }, { file: 'x' }, "'file' has 1 bytes, but 'size' says 2."],
    [
      'another digest',
      { filename: 'a', hash: 'abc' },
      { file: 'x' },
      "'file' has the MD5 9dd4e461268c8034f5c8564e155c67a6, but 'hash' says abc.",
    ],
    [
      'too few parts',
      { data: '[{"filename":"a"},{"filename":"b"}]' },
      { file0: 'x' },
      "'data' names 2 files, but there are 1 parts with one.",
    ],
    [
      'too many files',
      { data: JSON.stringify(Array.from({ length: 17 }, (_, index) => ({ filename: `f${index}` }))) },
      {},
      "'data' names 17 files; at most 16 are allowed.",
    ],
  ])('with %s nothing is stored [V-14]', async (_, fields, parts, message) => {
    expect(await upload(fields, parts as Record<string, string>)).toEqual({ status: 400, message })
    expect(await send({ action: 'downloadFile', filename: 'a' })).toMatchObject({ status: 404 })
  })

  test('neither may be part of a batch [V-15]', async () => {
    const data = [{ action: 'downloadFile', filename: 'a' }, { action: 'uploadFile' }]
    const body = JSON.stringify({ appId: 'app_test', clientKey: 'dev_test', action: 'multi', data })
    const response = await world.fetch(new Request('http://test/api', { method: 'POST', body }))
    const error = { message: 'Action not allowed in a batch.' }
    expect(await response.json()).toMatchObject({ response: [{ error }, { error }] })
  })
})
