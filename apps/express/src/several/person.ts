import { HOUR_MS, MINUTE_MS } from '@damson/core'
import http from 'node:http'
import { CATALOGUE } from '../catalogue.ts'
import type { Written } from './world.ts'

/** What a person's sessions are by the rules, told without any of our code. */
interface Sessions {
  open: { startedAt: number; lastAt: number; awayMs: number; hiddenAt: number | null } | null
  readonly ended: Written[]
  spent: number
}

export interface Person {
  /**
   * One more thing a person might do, by the shop's pages alone, one request or two at each step. Between two steps the world's
   * clock moves: a browser tells that a page was left only after the next one has come.
   */
  act(now: () => number, random: () => number): AsyncGenerator<void, void>
  /** By user id: what the engine should have written down, once everything has ended. */
  expected(): ReadonlyMap<string, { readonly sessions: readonly Written[]; readonly spent: number }>
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })

/** Somebody with a browser. Each of their requests may be answered by another process. */
export function createPerson(url: string, name: string): Person {
  const cookies = new Map<string, string>()
  const known = new Map<string, Sessions>()
  /** Of whoever the browser is signed in as; as a visitor it is not yet known by what id. */
  let mine: Sessions = nothing()
  let isSignedIn = false
  let isPageSeen = false
  let cart = 0

  async function go(path: string, headers: Record<string, string>, form?: Record<string, string> | string) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
    const body = typeof form === 'object' ? String(new URLSearchParams(form)) : form
    const type = typeof form === 'object' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
    const answer = await send(url + path, body === undefined ? 'GET' : 'POST', { ...headers, ...type, cookie }, body)
    if (answer.status >= 400) throw new Error(`${path} answered ${answer.status}`)
    for (const line of answer.cookies) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(key, value)
    }
  }
  const beacon = (type: string) =>
    go('/damson/beacon', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, JSON.stringify({ type }))

  /** What a browser does with a link: the new page comes, the old one goes, the new one is seen. */
  async function* open(now: () => number): AsyncGenerator<void, void> {
    await go('/', PAGE)
    seen(mine, now())
    yield
    if (isPageSeen) {
      await beacon('pause')
      hidden(mine, now())
      yield
    }
    await beacon('resume')
    seen(mine, now())
    isPageSeen = true
  }

  /** The answer to a form sends on to the first page. */
  async function* submit(path: string, form: Record<string, string>, now: () => number): AsyncGenerator<void, void> {
    await go(path, { ...PAGE, 'sec-fetch-site': 'same-origin' }, form)
    yield* open(now)
  }

  async function* signIn(now: () => number): AsyncGenerator<void, void> {
    const { ended, open: current, spent } = mine
    // What a visitor did becomes theirs, and the session goes on under the name.
    for (const [userId, sessions] of known) if (sessions === mine) known.delete(userId)
    mine = known.get(name) ?? nothing()
    mine.ended.push(...ended)
    mine.open = current
    mine.spent += spent
    known.set(name, mine)
    isSignedIn = true
    yield* submit('/sign-in', { name }, now)
  }

  async function* signOut(now: () => number): AsyncGenerator<void, void> {
    seen(mine, now())
    end(mine, now())
    // Whoever comes next on this browser is a stranger, and comes at once: the answer sends them to the first page.
    mine = nothing()
    isSignedIn = false
    cart = 0
    yield* submit('/sign-out', {}, now)
    known.set(deviceIdOf(cookies.get('damson') ?? ''), mine)
  }

  return {
    async *act(now, random) {
      settle(mine, now())
      const dice = random()
      if (mine.open === null || dice < 0.2) return yield* open(now)
      if (!isPageSeen) {
        await beacon('resume')
        isPageSeen = true
        return seen(mine, now())
      }
      if (dice < 0.5) {
        await beacon('pause')
        isPageSeen = false
        return hidden(mine, now())
      }
      if (dice < 0.6) return yield* isSignedIn ? signOut(now) : signIn(now)
      if (dice < 0.8 || cart === 0) {
        cart += 1
        return yield* submit('/cart', { product: CATALOGUE[0]!.id }, now)
      }
      mine.spent += cart * CATALOGUE[0]!.price
      cart = 0
      yield* submit('/buy', {}, now)
    },
    expected() {
      if (!isSignedIn && cookies.has('damson')) known.set(deviceIdOf(cookies.get('damson') ?? ''), mine)
      return new Map(
        [...known].map(([userId, sessions]) => {
          settle(sessions, Infinity)
          return [userId, { sessions: sessions.ended, spent: sessions.spent }]
        }),
      )
    },
  }
}

const PAGE = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

function nothing(): Sessions {
  return { open: null, ended: [], spent: 0 }
}

function settle(sessions: Sessions, now: number): void {
  const { open } = sessions
  if (open === null) return
  const isOver = open.hiddenAt === null ? now - open.lastAt >= 2 * HOUR_MS : now - open.hiddenAt >= 30 * MINUTE_MS
  if (isOver) end(sessions, open.hiddenAt ?? open.lastAt)
}

function seen(sessions: Sessions, now: number): void {
  settle(sessions, now)
  const open = (sessions.open ??= { startedAt: now, lastAt: now, awayMs: 0, hiddenAt: null })
  if (open.hiddenAt !== null) open.awayMs += now - open.hiddenAt
  Object.assign(open, { hiddenAt: null, lastAt: now })
}

function hidden(sessions: Sessions, now: number): void {
  seen(sessions, now)
  if (sessions.open !== null) sessions.open.hiddenAt = now
}

function end(sessions: Sessions, at: number): void {
  if (sessions.open === null) return
  const { startedAt, awayMs } = sessions.open
  sessions.ended.push({ startedAt, durationMs: at - startedAt - awayMs })
  sessions.open = null
}

function deviceIdOf(cookie: string): string {
  const fields = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString()) as [string]
  return fields[0]
}

interface Answer {
  readonly status: number
  readonly cookies: readonly string[]
}

function send(url: string, method: string, headers: Record<string, string>, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent, method, headers }, (response) => {
      response.resume()
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [] }),
      )
    })
    request.once('error', reject)
    request.end(body)
  })
}
