import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { finish, type Session, start } from './testing.ts'

let folder: string
const sessions: Session[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-serve-test-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const session of sessions.splice(0)) {
    session.interrupt()
    await session.code
  }
  rmSync(folder, { recursive: true, force: true })
})

function serve(...args: string[]): Session {
  const session = start(['serve', '--port', '0', '--log-level', 'silent', ...args])
  sessions.push(session)
  return session
}

async function urlOf(session: Session): Promise<string> {
  return (await session.saying('damson listening on ')).replace('damson listening on ', '')
}

async function ask(
  url: string,
  args: Record<string, string>,
): Promise<{ status: number; element: Record<string, unknown> }> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(args) })
  const { response } = (await answer.json()) as { response: Record<string, unknown>[] }
  return { status: answer.status, element: response[0] ?? {} }
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const KEYS = '"keys":{"production":["prod_first"],"dataExport":["export_first"]}'
const withHooks = (hooks: string) => `{"apps":[{"appId":"shop","name":"Shop","keys":{},"hooks":[${hooks}]}]}`
const CONFIG = `{"apps":[{"appId":"shop","name":"Shop",${KEYS},"devModeBurst":3}]}`

test('says one line when it is ready, answers, and ends with 0 when it is asked to', async () => {
  const session = serve('--memory')
  const url = await urlOf(session)
  expect(session.printed).toEqual([`damson listening on ${url}`])
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/api$/)
  expect((await fetch(url.replace(/api$/, 'readyz'))).status).toBe(200)
  expect((await ask(url, { action: 'track' })).status).toBe(400)
  session.interrupt()
  expect(await session.code).toBe(0)
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

test('what was answered is there after a restart', async () => {
  const config = file('apps.json', CONFIG)
  const data = join(folder, 'data')
  const first = serve('--data', data, '--config', config)
  const args = { appId: 'shop', clientKey: 'prod_first', userId: 'ada' }
  expect((await ask(await urlOf(first), { ...args, action: 'start' })).status).toBe(200)
  first.interrupt()
  expect(await first.code).toBe(0)
  const second = serve('--data', data)
  const exported = await ask(await urlOf(second), { ...args, clientKey: 'export_first', action: 'exportUser' })
  expect(exported.element).toMatchObject({ success: true, userId: 'ada', totalSessions: 1 })
})

test('every flag has a variable, and a flag wins', async () => {
  vi.stubEnv('DAMSON_MEMORY', '1')
  vi.stubEnv('DAMSON_CONFIG', file('apps.json', CONFIG))
  vi.stubEnv('DAMSON_TEST_CLOCK', '0')
  vi.stubEnv('DAMSON_PORT', 'no number')
  const url = await urlOf(serve())
  expect((await ask(url, { action: 'start', appId: 'shop', clientKey: 'prod_first', userId: 'ada' })).status).toBe(200)
  expect((await fetch(url.replace(/api$/, 'test-clock'), { method: 'POST', body: '{}' })).status).toBe(404)
})

describe('--demo', () => {
  test('shows keys once, with a call to try that works', async () => {
    const data = join(folder, 'data')
    const first = serve('--demo', '--data', data)
    const url = await urlOf(first)
    const text = await first.saying("Made the app 'Demo'")
    const commands = text.split('\n').filter((line) => line.trim().startsWith('curl '))
    const answers = []
    for (const command of commands) {
      const args = [...command.matchAll(/-d (\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value])
      expect(command).toContain(`'${url}'`)
      answers.push((await ask(url, Object.fromEntries(args))).element)
    }
    expect(answers).toMatchObject([{ success: true }, { success: true, userId: 'ada', totalSessions: 1 }])
    first.interrupt()
    await first.code

    const second = serve('--demo', '--data', data)
    await urlOf(second)
    expect(second.printed.join('\n')).toContain("The app 'Demo' is here from an earlier start")
    expect(second.printed.join('\n')).not.toMatch(/prod_|dev_|export_|content_/)
  })
})

describe('--test-clock', () => {
  test('time stands still until it is moved, and what is overdue then has ended', async () => {
    const session = serve('--memory', '--test-clock', '--config', file('apps.json', CONFIG))
    const url = await urlOf(session)
    const move = async (body: object) => {
      const answer = await fetch(url.replace(/api$/, 'test-clock'), { method: 'POST', body: JSON.stringify(body) })
      return { status: answer.status, ...((await answer.json()) as { now?: number }) }
    }
    const { now = 0 } = await move({ advanceSeconds: 0 })
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(600)
    const args = { appId: 'shop', clientKey: 'prod_first', userId: 'ada' }
    await ask(url, { ...args, action: 'start' })
    expect(await move({ advanceSeconds: 60 })).toEqual({ status: 200, now: now + 60 })
    await ask(url, { ...args, action: 'track', event: 'Purchase' })
    expect(await move({ set: now + 60 + 7_200 })).toEqual({ status: 200, now: now + 60 + 7_200 })
    const { element } = await ask(url, { ...args, clientKey: 'export_first', action: 'exportUser' })
    expect(element).toMatchObject({ timeSpentInApp: 60 })
    expect(await move({ advance: 1 })).toMatchObject({ status: 400 })
    expect(await move({ advanceSeconds: 0 })).toEqual({ status: 200, now: now + 60 + 7_200 })
    // Recorded exchanges are of 2023: a suite that runs them sets the clock back.
    expect(await move({ set: 1_700_000_000 })).toEqual({ status: 200, now: 1_700_000_000 })
  })
})

test('the rules of sessions follow the configuration', async () => {
  const rules = '"sessions":{"inactivitySeconds":60,"pauseSeconds":10}'
  const session = serve('--memory', '--test-clock', '--config', file('rules.json', CONFIG.replace(/}$/, `,${rules}}`)))
  const url = await urlOf(session)
  const args = { appId: 'shop', clientKey: 'prod_first', userId: 'ada' }
  await ask(url, { ...args, action: 'start' })
  await fetch(url.replace(/api$/, 'test-clock'), { method: 'POST', body: '{"advanceSeconds":60}' })
  expect((await ask(url, { ...args, action: 'track', event: 'e' })).element).toMatchObject({ isOffline: true })
})

describe('ends with one line and 1', () => {
  async function failure(...args: string[]): Promise<string> {
    const { code, out, err } = await finish(['serve', '--log-level', 'silent', ...args])
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err.split('\n')).toHaveLength(1)
    return err
  }

  test('when the port is used', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    expect(await failure('--memory', '--port', String(port))).toBe(
      `damson: cannot listen on 127.0.0.1:${port}: it is in use already. Choose another --host or --port (0 takes any free one).`,
    )
    other.close()
  })

  test('when the address is not ours', async () => {
    expect(await failure('--memory', '--port', '0', '--host', '203.0.113.7')).toContain(
      'this machine has no such address',
    )
  })

  test('when the folder cannot be written', async () => {
    const blocked = join(file('a-file', ''), 'data')
    const line = await failure('--port', '0', '--data', blocked)
    expect(line).toBe(
      `damson: cannot make the folder ${blocked}: a part of the path is not a folder. Choose another one with --data.`,
    )
  })

  test('when another process has the data', async () => {
    const data = join(folder, 'data')
    await urlOf(serve('--data', data))
    expect(await failure('--port', '0', '--data', data)).toMatch(
      /in use by .*Stop that process, or choose another folder/,
    )
  })

  test.each([
    ['{"apps":[{"appId":7,"name":"Shop","keys":{}}]}', 'apps[0].appId', 'expected string'],
    [
      '{"apps":[{"appId":"shop","name":"Shop","keys":{"production":[""]}}]}',
      'apps[0].keys.production[0]',
      'found an empty text',
    ],
    ['{"apps":[{"appId":"shop","name":"Shop","keys":{"prod":["prod_first"]}}]}', 'apps[0].keys', '"prod"'],
    ['{"apps":[{"appId":"shop","name":"Shop","keys":{},"preferredCurrency":"usd"}]}', 'preferredCurrency', 'ISO 4217'],
    [CONFIG.replace(']}', `]}`).replace('}]}', `},{"appId":"shop","name":"Two",${KEYS}}]}`), 'apps[1].appId', 'twice'],
    ['{"app":[]}', 'the whole file', '"app"'],
    ['{"apps":{}}', 'apps', 'expected array'],
    ['{"trustProxy":["somewhere"]}', 'trustProxy[0]', 'somewhere'],
    ['{"sessions":{"pauseSeconds":-1}}', 'sessions.pauseSeconds', '>0'],
    ['{"exports":{"s3":{"endpoint":"s3.example.com"}}}', 'exports.s3.endpoint', 'expected a URL'],
    ['{"exports":{"s3":{"endpoint":"https://a:b@s3.example.com"}}}', 'exports.s3.endpoint', 'without credentials'],
    ['{"exports":{"s3":{"region":"EU.1"}}}', 'exports.s3.region', 'eu-central-1'],
    [withHooks('{"url":"ftp://a.example/"}'), 'apps[0].hooks[0].url', 'expected a URL with http or https'],
    [withHooks('{"url":"https://{{User ID}}.example/"}'), 'apps[0].hooks[0].url', 'expected'],
    [withHooks('{"url":"https://a.example/","on":["lunch"]}'), 'apps[0].hooks[0].on[0]', 'session.started'],
    [withHooks('{"url":"https://a.example/","on":[]}'), 'apps[0].hooks[0].on', 'something to be told of'],
    [
      withHooks('{"url":"https://a.example/","on":["session.ended"],"events":["Purchase"]}'),
      'apps[0].hooks[0].events',
      'event.tracked',
    ],
    [withHooks('{"url":"https://a.example/"},{"url":"https://a.example/"}'), 'apps[0].hooks[1]', 'twice'],
    [withHooks(Array.from({ length: 21 }, (_, n) => `{"url":"https://a.example/${n}"}`).join()), 'apps[0].hooks', '20'],
    ['{"lockWaitSeconds":"ten"}', 'lockWaitSeconds', 'expected number'],
    ['[]', 'the whole file', 'expected object'],
    ['{"apps":', 'is not JSON', ''],
  ])('when the configuration is %s', async (text, field, expected) => {
    const path = file('apps.json', text)
    const line = await failure('--memory', '--port', '0', '--config', path)
    expect(line).toContain(path)
    expect(line).toContain(field)
    expect(line).toContain(expected)
  })

  test('when the configuration is not there', async () => {
    expect(await failure('--memory', '--config', join(folder, 'none.json'))).toContain('there is no such file')
  })

  test.each([
    [['--port', '70000'], 'Expected a whole number from 0 to 65535.'],
    [['--memory', '--data', 'x'], 'cannot be used with'],
    [['--prot', '1'], "unknown option '--prot'"],
    [['--log-level', 'loud'], 'Allowed choices are silent, error, warn, info, debug'],
  ])('when the flags are %j', async (args, expected) => {
    const { code, err } = await finish(['serve', ...args])
    expect(code).toBe(1)
    expect(err).toMatch(/^damson: /)
    expect(err).toContain(expected)
  })
})

test.each([
  [['--help'], 'damson replay access.log.gz'],
  [['serve', '--help'], 'DAMSON_PORT)'],
  [['apps', 'create', '--help'], 'DAMSON_DATA)'],
  [['replay', '--help'], 'Examples:'],
])('%j helps', async (args, expected) => {
  const { code, out } = await finish(args)
  expect(code).toBe(0)
  expect(out).toContain(expected)
})

describe('with content', () => {
  const content = 'variables:\n  title: { type: string, value: Hello }\n'

  test('it is applied before the first request, and again as it is by then', async () => {
    const config = file('apps.json', CONFIG)
    const data = join(folder, 'data')
    const flags = ['--config', config, '--data', data]
    const first = serve(...flags, '--content', file('content.yaml', content))
    const query = { action: 'start', appId: 'shop', clientKey: 'prod_first', userId: 'ann' }
    expect((await ask(await urlOf(first), query)).element).toMatchObject({ vars: { title: 'Hello' } })
    first.interrupt()
    await first.code
    const second = serve(...flags, '--content', file('content.yaml', content.replace('Hello', 'Welcome')))
    expect((await ask(await urlOf(second), query)).element).toMatchObject({ vars: { title: 'Welcome' } })
  })

  test('that is broken, or of an app nobody knows, it does not start, and says why', async () => {
    const flags = ['serve', '--port', '0', '--memory', '--config', file('apps.json', CONFIG), '--content']
    const broken = await finish([...flags, file('broken.yaml', content.replace('string', 'text'))])
    expect(broken.code).toBe(1)
    expect(broken.err).toMatch(/broken\.yaml:2:12: variables\.title\.type: Invalid option/)
    const typed = await finish([...flags, file('typed.yaml', content.replace('Hello', '5'))])
    expect(typed.err).toMatch(/typed\.yaml:2:26: variables\.title\.value: expected a text, and found 5/)
    const other = await finish([...flags, file('content.yaml', content), '--content-app-id', 'other'])
    expect(other.err).toBe("damson: there is no app 'other'. There is: shop.")
  })
})

test('the admin surface is there with a key, and a key that could be guessed is refused without being shown', async () => {
  vi.stubEnv('DAMSON_ADMIN_KEY', 'an admin key of at least 32 characters')
  const url = (await urlOf(serve('--memory', '--config', file('apps.json', CONFIG)))).replace(/api$/, 'admin')
  const headers = { authorization: 'Bearer an admin key of at least 32 characters' }
  const answer = await fetch(url, { method: 'POST', headers, body: '{"action":"listApps"}' })
  expect(await answer.json()).toMatchObject({ response: [{ apps: [{ appId: 'shop' }] }] })
  expect((await fetch(url, { method: 'POST', body: '{"action":"listApps"}' })).status).toBe(401)
  const { code, err } = await finish(['serve', '--memory', '--admin-key', 'guess'])
  expect([code, err]).toEqual([1, 'damson: --admin-key: expected 32 characters or more, and found 5.'])
})
