import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openReceiver, type Receiver } from '../testing/receiver.ts'
import { finish, start } from './testing.ts'

let folder: string
let receiver: Receiver
let status = 204
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-postbacks-'))
  status = 204
  receiver = await openReceiver((response) => response.writeHead(status).end())
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await receiver.close()
  rmSync(folder, { recursive: true, force: true })
})

const command = (...args: string[]) => finish([...args, '--data', folder])

async function makeApp(): Promise<Record<string, string>> {
  const { out } = await command('apps', 'create', '--name', 'Shop', '--app-id', 'shop')
  return Object.fromEntries([...out.matchAll(/(production|dataExport) +(\S+)/g)].map(([, name, key]) => [name, key!]))
}

/** Runs a server while `use` talks to it. Its clock stands still. */
async function serving<T>(
  use: (act: (args: object) => Promise<Record<string, unknown>>) => Promise<T>,
  ...flags: string[]
) {
  const session = start(['serve', '--port', '0', '--log-level', 'silent', '--test-clock', '--data', folder, ...flags])
  const url = (await session.saying('damson listening on ')).replace('damson listening on ', '')
  const act = async (args: object) => {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ appId: 'shop', ...args }) })
    const { response } = (await answer.json()) as { response: Record<string, unknown>[] }
    return response[0]!
  }
  const moveClock = () => fetch(url.replace(/api$/, 'test-clock'), { method: 'POST', body: '{"advanceSeconds":1}' })
  const result = await use(act)
  // What is due is sent before the clock answers.
  await moveClock()
  session.interrupt()
  expect(await session.code).toBe(0)
  return result
}

const ALLOWED = ['--allow-private-destinations', '127.0.0.1/32']

test('rules are listed, what failed is shown and sent again [P-16]', async () => {
  const keys = await makeApp()
  status = 404
  const { signingSecret } = await serving(
    async (act) => {
      const rule = await act({ action: 'addPostback', clientKey: keys.dataExport, postbackUrl: `${receiver.origin}/x` })
      await act({ action: 'track', clientKey: keys.production, userId: 'ann', messageId: 1, event: 'Open' })
      return rule
    },
    ...ALLOWED,
  )
  expect(receiver.received).toHaveLength(1)

  const list = await command('postbacks', 'list')
  expect(list.out).toMatch(/1 +messageEvents +Push Notification, Email, In-app Message +http/)
  expect(list.out).toContain('0 wait to be sent, 1 have failed.')
  expect((await command('postbacks', 'secret', '1')).out).toBe(signingSecret)

  const failed = await command('postbacks', 'failed')
  const [, id] = /(msg_\S+) +postback +\S+Z +1 +answered 404/.exec(failed.out) ?? []
  expect(id).toBeDefined()
  expect((await command('postbacks', 'retry', id!)).out).toBe('1 will be sent when the server runs.')
  status = 204
  await serving(async () => {}, ...ALLOWED)
  expect(receiver.received).toHaveLength(2)
  expect(receiver.received[1]!.headers['webhook-id']).toBe(id)
  expect((await command('postbacks', 'failed')).out).toBe('Nothing has failed.')
})

test('a private destination is called only if its range was opened by name [P-17]', async () => {
  const keys = await makeApp()
  const happen = async (act: (args: object) => Promise<Record<string, unknown>>) => {
    await act({ action: 'track', clientKey: keys.production, userId: 'ann', messageId: 1, event: 'Open' })
  }
  const url = { action: 'addPostback', clientKey: keys.dataExport, postbackUrl: `${receiver.origin}/` }
  await serving(async (act) => {
    await act(url)
    await happen(act)
  })
  await serving(happen, '--allow-private-destinations', '127.0.0.2/31, 10.0.0.0/8')
  expect(receiver.received).toEqual([])
  expect((await command('postbacks', 'failed')).out.match(/EGRESS_REFUSED/g)).toHaveLength(2)
  expect((await command('postbacks', 'retry', '--all')).out).toBe('2 will be sent when the server runs.')
  vi.stubEnv('DAMSON_ALLOW_PRIVATE_DESTINATIONS', '127.0.0.0/31')
  await serving(async () => {})
  expect(receiver.received).toHaveLength(2)
})

test('hooks are made, listed and deleted, and hear of sessions and events', async () => {
  const keys = await makeApp()
  const add = await command('hooks', 'add', '--url', `${receiver.origin}/{{User ID}}`, '--event', 'Purchase', 'Refund')
  expect(add.out).toMatch(/^Made the hook 1\. Its calls are signed with:\n\n {2}whsec_\S+$/)
  const list = await command('hooks', 'list')
  expect(list.out).toMatch(/1 +session.started, session.ended, event.tracked +Purchase, Refund +http/)
  const ofAnn = { clientKey: keys.production, userId: 'ann', deviceId: 'phone' }
  await serving(
    async (act) => {
      await act({ action: 'start', ...ofAnn })
      await act({ action: 'track', event: 'Purchase', ...ofAnn })
      await act({ action: 'track', event: 'Other', ...ofAnn })
    },
    ...ALLOWED,
  )
  const types = receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type)
  expect(types.toSorted()).toEqual(['event.tracked', 'session.started'])
  expect((await command('hooks', 'delete', '1')).out).toBe('Deleted the hook 1.')
  expect((await command('hooks', 'list')).out).toBe('There are no hooks.')
})

test('hooks of the configuration file are made, kept with their secrets, and go when they are taken out', async () => {
  const keys = await makeApp()
  const configured = async (hooks: readonly object[]): Promise<readonly string[]> => {
    const config = join(folder, 'config.json')
    writeFileSync(
      config,
      JSON.stringify({ apps: [{ appId: 'shop', name: 'Shop', keys: { production: [keys.production] }, hooks }] }),
    )
    return ['--config', config, ...ALLOWED]
  }
  const sales = { url: `${receiver.origin}/sales`, on: ['event.tracked'], events: ['Purchase'] }
  const sessions = { url: `${receiver.origin}/sessions`, on: ['session.started'] }
  await command('hooks', 'add', '--url', 'https://by-hand.example/')
  const act = (send: (args: object) => Promise<unknown>) =>
    send({ action: 'start', clientKey: keys.production, userId: 'ann', deviceId: 'phone' }).then(() =>
      send({ action: 'track', clientKey: keys.production, userId: 'ann', event: 'Purchase' }),
    )
  await serving((send) => act(send).then(() => undefined), ...(await configured([sales, sessions])))
  expect(receiver.received.map(({ path }) => path).toSorted()).toEqual(['/sales', '/sessions'])
  const secret = await command('hooks', 'secret', '2')
  expect(secret.out).toMatch(/^whsec_/)
  expect((await command('hooks', 'delete', '2')).err).toContain('Take it out there.')

  await serving(async () => {}, ...(await configured([sessions, sales])))
  expect((await command('hooks', 'list')).out.match(/http.*/g)?.toSorted()).toEqual(
    ['https://by-hand.example/', sales.url, sessions.url].toSorted(),
  )
  expect(await command('hooks', 'secret', '2')).toEqual(secret)

  await serving(async () => {}, ...(await configured([])))
  expect((await command('hooks', 'list')).out.match(/http.*/g)).toEqual(['https://by-hand.example/'])
})

test.each([
  [['postbacks', 'retry'], 'name what to retry'],
  [['postbacks', 'retry', 'msg_1', '--all'], 'name what to retry'],
  [['postbacks', 'retry', 'msg_1'], "nothing that failed has the id 'msg_1'"],
  [['postbacks', 'secret', '9'], 'there is no postback 9'],
  [['postbacks', 'secret', 'x'], 'Expected the number of a rule.'],
  [['hooks', 'delete', '9'], 'there is no hook 9'],
  [['hooks', 'add', '--url', 'ftp://a.example/'], '--url cannot be called. Expected a URL with http or https.'],
  [['hooks', 'add', '--url', 'https://a.example/', '--on', 'lunch'], 'Allowed choices are session.started'],
  [['postbacks', 'list', '--app-id', 'other'], "there is no app 'other'"],
])('%j is told what is wrong', async (args, complaint) => {
  await makeApp()
  const { code, err } = await command(...args)
  expect(err).toContain(complaint)
  expect(code).toBe(1)
})

test('a range that is none ends the start with a line that says so', async () => {
  const { code, err } = await finish([
    'serve',
    '--memory',
    '--port',
    '0',
    '--allow-private-destinations',
    '10.0.0.0/8,all',
  ])
  expect(err).toContain("found 'all'")
  expect(code).toBe(1)
})

test('the key that secrets are made from is made once, for its owner alone, unless the environment has one', async () => {
  await makeApp()
  await command('hooks', 'add', '--url', 'https://a.example/')
  const file = join(folder, 'master.key')
  const first = readFileSync(file, 'utf8')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const { out } = await command('hooks', 'add', '--url', 'https://a.example/')
  expect(readFileSync(file, 'utf8')).toBe(first)
  vi.stubEnv('DAMSON_MASTER_KEY', 'x'.repeat(31))
  const { err } = await command('hooks', 'add', '--url', 'https://a.example/')
  expect(err).toContain('a master key of at least 32 characters, found one of 31')
  expect(out).toContain('Made the hook 2')
})
