import { DamsonError } from '@damson/core'
import { describe, expect, test, vi } from 'vitest'
import type { Engine, Performed } from '../engine/perform.ts'
import { silentLogger } from '../logger.ts'
import { createAnswer } from './answer.ts'
import { DEFAULT_HTTP_LIMITS } from './limits.ts'
import type { PlainRequest } from './plain.ts'

const KEY = 'prod_never_to_be_logged'
const DONE: Performed = { status: 200, elements: [{ outcome: { status: 200, success: true }, reqId: undefined }] }

function request(query: string): PlainRequest {
  return { method: 'GET', path: '/api', query, headers: {}, body: new Uint8Array(), address: '127.0.0.1' }
}

/** An answer over an engine that is a fake, with everything its logger was told. */
function world(perform: Engine['perform'], isDebugging = true) {
  const told: [level: string, fields: object, message: string][] = []
  const tell = (level: string) => (fields: object, message: string) => void told.push([level, fields, message])
  const logger = {
    debug: tell('debug'),
    info: tell('info'),
    warn: tell('warn'),
    error: tell('error'),
    isLevelEnabled: vi.fn(() => isDebugging),
  }
  const answer = createAnswer({ engine: { perform }, logger, limits: DEFAULT_HTTP_LIMITS, isReady: () => true })
  return { answer, told, logger }
}

describe('the log', () => {
  test('has of a request what happened, and neither its URL nor its key', async () => {
    const { answer, told } = world(() => Promise.resolve(DONE))
    await answer(request(`action=track&appId=shop&clientKey=${KEY}&userId=ada&reqId=7`))
    expect(told).toEqual([
      [
        'debug',
        { method: 'GET', action: 'track', appId: 'shop', reqId: '7', status: 200, milliseconds: expect.any(Number) },
        'request',
      ],
    ])
    expect(JSON.stringify(told)).not.toContain(KEY)
  })

  test('costs nothing when nobody wants it: the logger is asked once', async () => {
    const { answer, told, logger } = world(() => Promise.resolve(DONE), false)
    await answer(request('action=track'))
    await answer(request('action=track'))
    expect(told).toEqual([])
    expect(logger.isLevelEnabled).toHaveBeenCalledOnce()
  })

  test('has what nobody expected, under the id the client was told', async () => {
    const failure = new Error('a mistake of ours')
    const { answer, told } = world(() => Promise.reject(failure), false)
    const { status, body } = await answer(request(`action=track&clientKey=${KEY}&reqId=7`))
    expect(status).toBe(500)
    expect(told).toMatchObject([['error', { err: failure, reqId: '7', action: 'track' }, expect.any(String)]])
    const [[, fields] = []] = told
    expect(body).toContain((fields as { requestId: string }).requestId)
    expect(body).not.toContain('a mistake of ours')
    expect(JSON.stringify(told)).not.toContain(KEY)
  })

  test('has what the store could not do, with its cause; a busy profile is nobody’s fault', async () => {
    const away = new DamsonError('STORE_UNAVAILABLE', 'the disk is full', { isRetryable: true })
    const busy = new DamsonError('PROFILE_BUSY', 'busy', { isRetryable: true })
    const { answer, told } = world(({ outer }) => Promise.reject(outer.action === 'busy' ? busy : away), false)
    expect((await answer(request('action=busy'))).status).toBe(429)
    expect(told).toEqual([])
    expect((await answer(request('action=track'))).status).toBe(503)
    expect(told).toMatchObject([['warn', { err: away }, expect.any(String)]])
  })

  test('has no long or odd values that a stranger sent as a name', async () => {
    const { answer, told } = world(() => Promise.resolve(DONE))
    await answer(request(`action=${'x'.repeat(5_000)}&appId=shop`))
    expect(told).toMatchObject([['debug', { action: undefined, appId: 'shop' }, 'request']])
  })
})

test.each([
  ['/api', 200],
  ['/', 200],
  ['', 200],
  ['/tracking/v1/api', 200],
  ['/tracking/v1/api/', 200],
  ['/api/livez', 200],
  ['/readyz', 200],
  ['/apix', 404],
  ['/api/x', 404],
  ['//', 200],
  ['/api/../x', 404],
])('the path %j gets %i', async (path, status) => {
  const answer = createAnswer({
    engine: { perform: () => Promise.resolve(DONE) },
    logger: silentLogger,
    limits: DEFAULT_HTTP_LIMITS,
    isReady: () => true,
  })
  expect((await answer({ ...request('action=track'), path })).status).toBe(status)
})
