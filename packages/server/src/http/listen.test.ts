import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Engine } from '../engine/perform.ts'
import { silentLogger } from '../logger.ts'
import { createAnswer } from './answer.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { listen, type Listening } from './listen.ts'

const DONE = { status: 200, elements: [{ outcome: { status: 200, success: true }, reqId: undefined }] }

/** A request that waits until it is let go, and what has happened so far. The engine is a fake: only HTTP is looked at. */
function world(limits: Partial<HttpLimits> = {}) {
  const story: string[] = []
  let arrive = () => {}
  let release = () => {}
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  const released = new Promise<void>((resolve) => (release = resolve))
  let isStopping = false
  const engine: Engine = {
    async perform({ outer }) {
      if (outer.action === 'wait') {
        arrive()
        await released
        story.push('answered')
      }
      return DONE
    },
  }
  const all = { ...DEFAULT_HTTP_LIMITS, ...limits }
  const server = {
    answer: createAnswer({ engine, logger: silentLogger, limits: all, isReady: () => !isStopping }),
    limits: all,
    isStopping: () => isStopping,
    start: () => Promise.resolve(void story.push('started')),
    drain: () => void (isStopping = true),
    stop: () => Promise.resolve(void story.push('stopped')),
  }
  return { server, story, arrived, release: () => release() }
}

let listening: Listening | undefined
afterEach(async () => {
  await listening?.stop()
  listening = undefined
})

async function onAnyPort(server: ReturnType<typeof world>['server']): Promise<Listening> {
  listening = await listen({ server, host: '127.0.0.1', port: 0 })
  return listening
}

test('says where it listens, with the port it was given', async () => {
  const { url, port } = await onAnyPort(world().server)
  expect(url).toBe(`http://127.0.0.1:${port}/api`)
  expect((await fetch(`${url}?action=track`)).status).toBe(200)
})

test('a port that is taken is told by its code, and the server is stopped', async () => {
  const { port } = await onAnyPort(world().server)
  const { server, story } = world()
  await expect(listen({ server, host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  expect(story).toEqual(['stopped'])
})

describe('stop', () => {
  test('lets what is in flight finish, then stops the server', async () => {
    const { server, story, arrived, release } = world()
    const { url, stop } = await onAnyPort(server)
    const answer = fetch(`${url}?action=wait`)
    await arrived
    const stopped = stop()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    release()
    expect((await answer).headers.get('connection')).toBe('close')
    await stopped
    expect(story).toEqual(['started', 'answered', 'stopped'])
  })

  test('does not wait for a connection on which nothing is asked', async () => {
    const { port, stop } = await onAnyPort(world().server)
    const idle = connect(port, '127.0.0.1')
    await new Promise<void>((resolve) => idle.once('connect', () => resolve()))
    const closed = new Promise<void>((resolve) => idle.once('close', () => resolve()))
    await stop()
    await closed
    expect(idle.destroyed).toBe(true)
  })

  test('cuts off what is still in flight at the deadline', async () => {
    const { server, story, arrived } = world({ stopDeadlineMs: 50 })
    const { url, stop } = await onAnyPort(server)
    const answer = fetch(`${url}?action=wait`)
    await arrived
    await Promise.all([stop(), expect(answer).rejects.toThrow('fetch failed')])
    expect(story).toEqual(['started', 'stopped'])
  })
})

describe('slow and boundless clients', () => {
  test('headers that do not end get 408 and are cut off', async () => {
    const { port } = await onAnyPort(world({ headersTimeoutMs: 100, requestTimeoutMs: 100 }).server)
    expect(await untilClosed(port, 'GET /api HTTP/1.1\r\nHost: a\r\nX-Slow: ')).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('a body that does not end gets 408 and is cut off', async () => {
    const { port } = await onAnyPort(world({ headersTimeoutMs: 100, requestTimeoutMs: 100 }).server)
    const start = 'POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{'
    expect(await untilClosed(port, start)).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('headers that are too long get 431', async () => {
    const { port } = await onAnyPort(world().server)
    const long = `GET /api HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(await untilClosed(port, long)).toMatch(/^HTTP\/1\.1 431 /)
  })

  test.each([
    ['announced as too long', 'Content-Length: 1000000000\r\n\r\n'],
    ['that grows too long', `Transfer-Encoding: chunked\r\n\r\nffffff\r\n${'x'.repeat(1_001)}`],
  ])('a body %s is refused before all of it is there, and cut off if it goes on', async (_, start) => {
    const { port } = await onAnyPort(world({ bodyBytes: 1_000 }).server)
    const socket = connect(port, '127.0.0.1', () => socket.write(`POST /api HTTP/1.1\r\nHost: a\r\n${start}`))
    const refusal = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    expect(refusal).toMatch(/^HTTP\/1\.1 413 /)
    // Being cut off may look like a reset from here.
    socket.on('error', () => undefined)
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.write('x'.repeat(3_000))
    await closed
    expect(socket.destroyed).toBe(true)
  })

  test('more connections than allowed are closed at once', async () => {
    const { port } = await onAnyPort(world({ maxConnections: 1 }).server)
    const first = connect(port, '127.0.0.1')
    await new Promise<void>((resolve) => first.once('connect', () => resolve()))
    expect(await untilClosed(port, 'GET /api?action=track HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('')
    first.destroy()
  })
})

test('a client that asks to continue is told to before it sends its body', async () => {
  const { port } = await onAnyPort(world().server)
  const headers = { expect: '100-continue', 'content-type': 'application/json' }
  const status = await new Promise((resolve, reject) => {
    const asking = request({ port, host: '127.0.0.1', path: '/api', method: 'POST', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asking.on('continue', () => asking.end('{"action":"track"}')).on('error', reject)
    asking.flushHeaders()
  })
  expect(status).toBe(200)
})

/** Sends a text and gives whatever comes back before the other end closes. */
function untilClosed(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (data) => (received += data.toString()))
    // Closing with unread data in the way counts as a reset: what was received before is what matters.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
  })
}
