import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// What is published: `turbo run test` builds it first. Each shop is a process of plain Node.
const CASES = ['express4', 'express'].flatMap((version) =>
  ['built/module.mjs', 'built/commonjs.cjs'].map((entry) => ({ version, entry })),
)

describe.each(CASES)('as installed: $version, $entry', ({ version, entry }) => {
  let child: ChildProcess
  let origin: string
  beforeAll(async () => {
    child = fork(fileURLToPath(new URL(entry, import.meta.url)), [version], {
      // Not what the test runner would load sources with.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the shop ended before it listened')))
    ended.catch(() => undefined)
    const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }]
    origin = `http://127.0.0.1:${port}`
  })
  afterAll(() => void child.kill('SIGKILL'))

  const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }
  const ask = (path: string, parts: Partial<Asked> = {}) => send(origin + path, { headers: page, ...parts })
  async function user(userId: string) {
    const query = new URLSearchParams({ appId: 'app', clientKey: 'export', action: 'exportUser', userId })
    const { response } = JSON.parse((await ask(`/api?${query}`)).body) as { response: [Record<string, unknown>] }
    return response[0]
  }

  test('a visit, a purchase after signing in, a logout: one session, and the engine beside the shop knows it', async () => {
    const first = await ask('/')
    const [cookie = ''] = first.cookies
    expect(cookie).toMatch(/^__Host-damson=1\./)
    const cookieOf = (line = '') => line.split(';', 1)[0] ?? ''
    const headers = { ...page, cookie: cookieOf(cookie), 'x-user': 'ada', 'content-type': 'application/json' }
    const bought = await ask('/buy', { method: 'POST', headers, body: '{"item":7}' })
    expect(JSON.parse(bought.body)).toEqual({ phase: 'active', same: 'ada' })
    const [signedIn] = bought.cookies
    const left = await ask('/bye', { headers: { ...headers, cookie: cookieOf(signedIn) } })
    expect(left.body).toBe('bye')
    expect(left.cookies).toHaveLength(1)
    expect(await user('ada')).toMatchObject({
      totalSessions: 1,
      events: {
        'Page viewed': { count: 1 },
        Purchase: { count: 1, value: 9.5 },
        'Seen by the other format': { count: 1 },
      },
    })
  })

  test('what a route throws is tracked, and answered by the error handler of the app', async () => {
    const failed = await ask('/fails', { headers: { ...page, 'x-user': 'eve' } })
    expect([failed.status, failed.body]).toEqual([500, 'TypeError: what a person typed'])
    const early = await ask('/early')
    expect(early.body).toContain('app.use(damson(client, { secrets: [secret] }))')
    expect(await user('eve')).toMatchObject({ events: { 'Request failed': { count: 1 } } })
  })

  test('the beacon answers pages of this site, and its script is served', async () => {
    const post = (site: string) =>
      ask('/damson/beacon', { method: 'POST', headers: { 'sec-fetch-site': site }, body: '{"type":"resume"}' })
    expect([(await post('same-origin')).status, (await post('cross-site')).status]).toEqual([204, 403])
    expect((await ask('/damson/beacon.js')).body).toContain('visibilitychange')
  })

  test('on SIGTERM everything is sent, and the process ends as the signal would have ended it', async () => {
    const told = once(child, 'message')
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    const [{ closed }] = (await told) as [{ closed: object }]
    expect(closed).toMatchObject({ pending: 0, dropped: {} })
    expect(await exit).toEqual([null, 'SIGTERM'])
  })
})

interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Answered {
  readonly status: number
  readonly cookies: readonly string[]
  readonly body: string
}

/** Node's own `fetch` says of itself that it is no page load. */
function send(url: string, { method = 'GET', headers = {}, body = '' }: Partial<Asked>): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [], body: text }),
      )
    })
    request.once('error', reject)
    request.end(body)
  })
}
