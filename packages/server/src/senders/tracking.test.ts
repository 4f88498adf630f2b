import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DamsonError, SECOND_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EmailContent } from '../content/messages/source.ts'
import { listen } from '../http/listen.ts'
import { createMailRoute } from '../http/mail-route.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { createDial } from '../services/dial.ts'
import { createMailLinks } from '../services/mail-links.ts'
import { memoryStore } from '../store/memory.ts'
import { postgresStore } from '../store/postgres/postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase } from '../store/postgres/testing.ts'
import { sqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { localEgress, openReceiver, type Receiver } from '../testing/receiver.ts'
import { createTestServer, TEST_APP, type TestServer } from '../testing/test-server.ts'
import { type Mailbox, openMailbox, readable } from './fixtures/mailbox.ts'

const KEY = 'a master key for tests, thirty-two characters'
const BASE = 'https://plums.example/damson'
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

let mailbox: Mailbox
beforeEach(async () => {
  mailbox = await openMailbox()
  closers.push(() => mailbox.close())
})

interface Wish {
  readonly store?: Store
  readonly logger?: Logger
  readonly track?: boolean
}

async function open({ track, ...wish }: Wish = {}): Promise<TestServer> {
  const email = {
    from: 'shop@plums.example',
    smtp: { host: '127.0.0.1', port: mailbox.port, tls: 'none' as const },
    ...(track !== undefined && { track }),
  }
  const world = await createTestServer({
    apps: [TEST_APP, { ...TEST_APP, appId: 'app_other' }],
    dial: createDial({ allowPrivateDestinations: ['loopback'] }),
    egress: localEgress(),
    publicUrl: `${BASE}/`,
    masterKeys: [KEY],
    messaging: { app_test: { email }, app_other: { email } },
    ...wish,
  })
  closers.push(() => world.close())
  return world
}

const PART = { channel: 'email', to: '', subject: '', html: '' } as const
const HTML =
  '<p><a href="https://shop.example/{{ userId }}?a=1&amp;b=2">Shop</a> <a href="{{ unsubscribeUrl }}">Leave</a> ' +
  '<a href="mailto:help@plums.example">Ask</a> <a href="https://shop.example/more">More</a></p>'

/** Sends one mail to Ann, and gives its HTML and text as they arrived. */
async function mailed(world: TestServer, content: Partial<EmailContent> = {}, appId = 'app_test'): Promise<string> {
  const plan = await world.server.engine.applyContent(appId, {
    messages: {
      7: { name: 'Plums', state: 'active', channel: 'email', content: { subject: 'Plums', html: HTML, ...content } },
    },
  })
  expect(plan).toMatchObject({ ok: true })
  const ann = { userId: 'ann', appId }
  await world.call('setUserAttributes', { ...ann, userAttributes: { email: 'ann@home.example' } })
  await world.call('sendMessage', { ...ann, messageId: 7 })
  await world.dispatch()
  return readable(mailbox.mails.at(-1)!.text)
}

const linksOf = (html: string) => [...html.matchAll(/href="([^"]*)"/g)].map(([, url]) => url!)
const pictureOf = (html: string) => /<img src="([^"]*)"/.exec(html)?.[1]
const reactionsOf = async (world: TestServer, appId = 'app_test') =>
  (await world.entries(appId, 'ann')).flatMap((entry) =>
    entry.kind === 'event' && /^\.m7 (?:Open|Click)$/.test(entry.name) ? [[entry.name, entry.params]] : [],
  )
const ask = (world: TestServer, url: string, init: RequestInit = {}) => world.fetch(new Request(url, init))

const postgres = await findPostgres()

describe.each(['memory', 'SQLite', 'PostgreSQL'])('a mail, on %s,', (name) => {
  const openStore: Readonly<Record<string, () => Promise<Store>>> = {
    memory: () => Promise.resolve(memoryStore()),
    SQLite: () => {
      const folder = mkdtempSync(join(tmpdir(), 'damson-tracking-'))
      closers.push(() => Promise.resolve(rmSync(folder, { recursive: true })))
      return sqliteStore({ file: join(folder, 'damson.db') })
    },
    PostgreSQL: async () => {
      const database = await createDatabase(postgres ?? '', 'tracking')
      closers.push(() => database.drop())
      await migrateDatabase(database.url)
      return postgresStore({ url: database.url })
    },
  }

  test.skipIf(name === 'PostgreSQL' && postgres === null)(
    'tells that it was opened and which link was followed, by postbacks too, and the link leads on [O-15] [O-16]',
    async () => {
      const told = await openReceiver()
      closers.push(() => told.close())
      const world = await open({ store: await openStore[name]!() })
      await world.call('addPostback', {
        postbackUrl: `${told.origin}/?event={{Message event}}&channel={{Message channel}}&p={{Parameters}}`,
      })
      const html = await mailed(world)
      const [shop, leave, write, more] = linksOf(html)
      expect(leave).toMatch(/^https:\/\/plums\.example\/damson\/unsubscribe\//)
      expect(write).toBe('mailto:help@plums.example')

      const listening = await listen({ server: world.server, host: '127.0.0.1', port: 0 })
      closers.push(() => listening.stop())
      // As a proxy in front of us would hand it over.
      const follow = (url: string) =>
        fetch(url.replace('https://plums.example', listening.url.replace('/api', '')), { redirect: 'manual' })
      const picture = await follow(pictureOf(html)!)
      expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/gif'])
      expect(Buffer.from(await picture.arrayBuffer()).toString('latin1', 0, 6)).toBe('GIF89a')
      const there = await follow(shop!)
      expect([there.status, there.headers.get('location')]).toEqual([302, 'https://shop.example/ann?a=1&b=2'])
      expect((await follow(more!)).headers.get('location')).toBe('https://shop.example/more')

      expect(await reactionsOf(world)).toEqual([
        ['.m7 Open', {}],
        ['.m7 Click', { url: 'https://shop.example/ann?a=1&b=2', index: 0 }],
        ['.m7 Click', { url: 'https://shop.example/more', index: 1 }],
      ])
      await world.dispatch()
      expect(postbacksOf(told)).toEqual(
        expect.arrayContaining([
          { event: 'Open', channel: 'Email', parameters: {} },
          {
            event: 'Click',
            channel: 'Email',
            parameters: { url: encodeURIComponent('https://shop.example/ann?a=1&b=2'), index: 0 },
          },
        ]),
      )
    },
  )
})

function postbacksOf({ received }: Receiver): readonly object[] {
  return received.map(({ path }) => {
    const query = new URL(path, 'http://x').searchParams
    return {
      event: query.get('event'),
      channel: query.get('channel'),
      parameters: JSON.parse(query.get('p') || '{}') as unknown,
    }
  })
}

describe('opening and following', () => {
  test('count each time, and once within a second [O-15]', async () => {
    const world = await open()
    const html = await mailed(world)
    const [shop] = linksOf(html)
    for (const url of [pictureOf(html)!, shop!, shop!, pictureOf(html)!]) await ask(world, url)
    expect(await reactionsOf(world)).toHaveLength(2)
    world.clock.advance(SECOND_MS)
    await ask(world, shop!)
    await ask(world, pictureOf(html)!)
    expect(await reactionsOf(world)).toHaveLength(4)
  })

  test('is nothing that HEAD does, nor who fetches ahead, nor any other method [O-17]', async () => {
    const world = await open()
    const html = await mailed(world)
    const [shop] = linksOf(html)
    for (const url of [shop!, pictureOf(html)!]) {
      expect((await ask(world, url, { method: 'HEAD' })).status).toBe(url === shop ? 302 : 200)
      expect((await ask(world, url, { headers: { 'Sec-Purpose': 'prefetch;prerender' } })).status).toBeLessThan(400)
      expect((await ask(world, url, { headers: { Purpose: 'prefetch' } })).status).toBeLessThan(400)
      expect((await ask(world, url, { method: 'POST' })).status).toBe(405)
    }
    expect(await reactionsOf(world)).toEqual([])
  })

  test('lead on although nothing can be recorded, which the log tells [O-17]', async () => {
    const store = memoryStore()
    const warned: object[] = []
    const logger = { debug: () => {}, info: () => {}, error: () => {}, warn: (facts: object) => warned.push(facts) }
    const world = await open({ store, logger })
    const html = await mailed(world)
    store.transact = () => Promise.reject(new DamsonError('STORE_CLOSED', 'away'))
    const [shop] = linksOf(html)
    expect((await ask(world, shop!)).headers.get('location')).toBe('https://shop.example/ann?a=1&b=2')
    expect((await ask(world, pictureOf(html)!)).status).toBe(200)
    expect(warned).toMatchObject([
      { appId: 'app_test', messageId: 7, event: 'Click', reason: 'STORE_CLOSED' },
      { appId: 'app_test', messageId: 7, event: 'Open', reason: 'STORE_CLOSED' },
    ])
    expect(JSON.stringify(warned)).not.toContain('shop.example')
  })

  test('keep nobody waiting for a store that does not answer [O-17]', async () => {
    const links = createMailLinks([KEY], BASE)
    const outgoing = { messageId: 7, userId: 'ann', deviceId: null, part: PART }
    const { click } = links.addressesOf('app_test', 'msg_1', outgoing)!
    const never = () => new Promise<void>(() => {})
    const route = createMailRoute({ links, leave: never, react: never, logger: silentLogger, patienceMs: 1 })
    const path = new URL(click(0, 'https://shop.example/')).pathname
    const request = { method: 'GET', path, query: '', headers: {}, body: new Uint8Array(), address: null }
    expect(await route(request)).toMatchObject({ status: 302, headers: { Location: 'https://shop.example/' } })
  })

  test('of a user who was erased are told to nobody, and lead on [O-17]', async () => {
    const world = await open()
    const [shop] = linksOf(await mailed(world))
    await world.call('deleteUser', { userId: 'ann', fullErasure: true })
    expect((await ask(world, shop!)).status).toBe(302)
    expect(await reactionsOf(world)).toEqual([])
  })
})

describe('a link that we have not made', () => {
  test.each(['click', 'open', 'unsubscribe'])('leads nowhere, and is a page that says so: %s [O-18]', async (path) => {
    const world = await open()
    const html = await mailed(world)
    const [shop, leave] = linksOf(html)
    const own = { click: shop!, open: pictureOf(html)!, unsubscribe: leave! }[path]!
    const token = own.slice(own.lastIndexOf('/') + 1)
    const [facts = '', signature = ''] = token.split('.')
    const wrote = (...all: unknown[]) => Buffer.from(JSON.stringify(all)).toString('base64url')
    const evil = wrote('app_test', 'msg_1', 7, 'ann', 0, 'https://evil.example/')
    const others = createMailLinks(['the key of another server, of thirty-two characters'], BASE)
    const theirs = others.addressesOf('app_test', 'msg_1', { messageId: 7, userId: 'ann', deviceId: null, part: PART })!
    const tokens = [
      `${evil}.${signature}`,
      `${evil}.`,
      evil,
      'https:evil.example',
      '.x',
      `${facts}.${signature.slice(1)}A`,
      `${facts}A.${signature}`,
      // Another app, in the place of the one that sent it.
      `${Buffer.from(Buffer.from(facts, 'base64url').toString().replace('app_test', 'app_other')).toString('base64url')}.${signature}`,
      theirs.click(0, 'https://evil.example/').slice(`${BASE}/click/`.length),
      theirs.open.slice(`${BASE}/open/`.length),
      theirs.unsubscribe.slice(`${BASE}/unsubscribe/`.length),
      // Of ours, for something else.
      ...[shop!, leave!, pictureOf(html)!]
        .filter((url) => url !== own)
        .map((url) => url.slice(url.lastIndexOf('/') + 1)),
    ]
    for (const one of tokens) {
      const answer = await ask(world, `${BASE}/${path}/${one}?url=https://evil.example/`)
      expect([answer.status, answer.headers.get('location')], one).toEqual([404, null])
      if (/^[\w.-]+$/.test(one)) expect(await answer.text()).toContain('This link is not known.')
    }
    expect(await reactionsOf(world)).toEqual([])
    expect((await ask(world, own)).status).toBeLessThan(400)
  })

  test('of one app tells nothing to another [O-18]', async () => {
    const world = await open()
    await mailed(world)
    const [shop] = linksOf(await mailed(world, {}, 'app_other'))
    await ask(world, shop!)
    expect(await reactionsOf(world)).toEqual([])
    expect(await reactionsOf(world, 'app_other')).toHaveLength(1)
  })

  test('by what an address of a user says leads only to the web, as browsers read it [O-18]', async () => {
    const world = await open()
    const html = '<a href="{{ value.to }}">A</a>'
    const values = async (to: string) => {
      await mailed(world, { html })
      await world.call('sendMessage', { userId: 'ann', messageId: 7, values: { to } })
      await world.dispatch()
      return linksOf(readable(mailbox.mails.at(-1)!.text))[0]!
    }
    expect(await values('javascript:alert(1)')).toBe('javascript:alert(1)')
    const split = await ask(world, await values('https://a.example/\r\nSet-Cookie: a=b'))
    expect(split.headers.get('location')).toBe('https://a.example/Set-Cookie:%20a=b')
    expect(split.headers.get('set-cookie')).toBeNull()
  })
})

describe('a mail is not tracked', () => {
  const plain =
    '<p><a href="https://shop.example/ann?a=1&amp;b=2">Shop</a> <a href="LEAVE">Leave</a> ' +
    '<a href="mailto:help@plums.example">Ask</a> <a href="https://shop.example/more">More</a></p>'
  const withoutLeave = (text: string) =>
    text.replace(/https:\/\/plums\.example\/damson\/unsubscribe\/[\w.-]+(?=")/, 'LEAVE')

  test('if it says so [O-19]', async () => {
    const html = withoutLeave(await mailed(await open(), { track: false }))
    expect(html).toContain(plain)
    expect(html).not.toContain('<img')
  })

  test('if the app says so [O-19]', async () => {
    const html = withoutLeave(await mailed(await open({ track: false })))
    expect(html).toContain(plain)
    expect(html).not.toContain('<img')
  })

  test('in its text, and in that of its subject [O-19]', async () => {
    const text = 'Shop: https://shop.example/{{ userId }}'
    const arrived = await mailed(await open(), { text, subject: 'https://shop.example' })
    expect(arrived).toContain('Shop: https://shop.example/ann')
    expect(arrived).toContain('Subject: https://shop.example')
  })
})
