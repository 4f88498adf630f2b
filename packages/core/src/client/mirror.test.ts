import { expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../clock.ts'
import { DEFAULT_SESSION_RULES } from '../session/timing.ts'
import { clientWorld } from './client-world.ts'
import { noteSession, sessionOf, type Mirror } from './mirror.ts'

const sessions = (options = {}) => clientWorld({ autoStart: true, ...options })

test('the first event joins the session that may be open elsewhere, the next ones need nothing', async () => {
  const { client, ada, server } = sessions()
  await ada.track('a')
  await ada.track('b')
  await client.flush()
  expect(server.taken.map((action) => action['action'])).toEqual(['resumeSession', 'track', 'track'])
  expect(server.taken[0]).toMatchObject({ createDisposition: 'CreateIfNeeded' })
  expect(ada.session).toMatchObject({ phase: 'active' })
})

test('once the server says that no session is open, the next event begins with start', async () => {
  const { client, ada, server, clock } = sessions()
  server.answer((action) => (action['action'] === 'track' ? { isOffline: true } : null))
  await ada.track('a')
  await client.flush()
  clock.advance(1)
  server.answer(() => null)
  await ada.track('b')
  await client.flush()
  expect(server.taken.map((action) => action['action'])).toEqual(['resumeSession', 'track', 'start', 'track'])
})

test('a session that another process paused is joined again: start would end it', async () => {
  const { client, ada, server, clock } = sessions()
  await ada.track('a')
  await client.flush()
  clock.advance(1)
  server.answer((action) => (action['action'] === 'track' ? { isOffline: true } : null))
  await ada.track('b')
  await client.flush()
  clock.advance(1)
  server.answer(() => null)
  await ada.track('c')
  await client.flush()
  const sent = ['resumeSession', 'track', 'track', 'resumeSession', 'track']
  expect(server.taken.map((action) => action['action'])).toEqual(sent)
})

test("an answer about the past does not close what began after it: 'start' is not sent twice", async () => {
  const { client, ada, server, clock } = sessions({ autoStart: false })
  server.answer((action) => (action['event'] === 'early' ? { isOffline: true } : null))
  await ada.track('early')
  clock.advance(1)
  await ada.start()
  await client.flush()
  expect(ada.session).toMatchObject({ phase: 'active' })
})

test("autoStart: 'start' always sends start, and false sends nothing", async () => {
  const always = sessions({ autoStart: 'start' })
  await always.ada.track('a')
  await always.client.flush()
  expect(always.server.taken.map((action) => action['action'])).toEqual(['start', 'track'])
  const never = sessions({ autoStart: false })
  await never.ada.track('a')
  await never.client.flush()
  expect(never.server.taken.map((action) => action['action'])).toEqual(['track'])
})

test('passive and late events open nothing; nor does an event while the app is paused', async () => {
  const { client, ada, server, clock } = sessions()
  await ada.track('received', {}, { disposition: 'passive' })
  await ada.track('yesterday', {}, { time: clock.now() - 24 * HOUR_MS })
  await ada.pauseSession()
  await client.flush()
  expect(server.taken.map((action) => action['action'])).toEqual(['track', 'track', 'pauseSession'])
  await ada.start()
  await ada.pauseSession()
  await ada.track('in the background')
  await client.flush()
  expect(server.taken.slice(3).map((action) => action['action'])).toEqual(['start', 'pauseSession', 'track'])
})

test('a session that timed out is opened again by the next event', async () => {
  const { client, ada, server, clock } = sessions()
  await ada.track('a')
  clock.advance(2 * HOUR_MS - 1)
  await ada.track('b')
  clock.advance(2 * HOUR_MS)
  await ada.track('c')
  await client.flush()
  expect(server.taken.map((action) => action['event'] ?? action['action'])).toEqual([
    'resumeSession',
    'a',
    'b',
    'resumeSession',
    'c',
  ])
})

test('heartbeats are sent only when the session nears its time-out', async () => {
  const { client, ada, server, clock } = sessions()
  await ada.track('a')
  for (let minute = 0; minute < 240; minute += 1) {
    clock.advance(MINUTE_MS)
    await ada.heartbeat()
  }
  await client.flush()
  const beats = server.taken.filter((action) => action['action'] === 'heartbeat')
  const start = Number(server.taken[0]!['time'])
  expect(beats.map((beat) => Math.round((Number(beat['time']) - start) / 60))).toEqual([90, 180])
})

test('an event is activity: it puts the next heartbeat off', async () => {
  const { client, ada, server, clock } = sessions()
  for (let minute = 0; minute < 240; minute += 1) {
    clock.advance(MINUTE_MS)
    if (minute % 60 === 0) await ada.track('still here')
    await ada.heartbeat()
  }
  await client.flush()
  expect(server.taken.filter((action) => action['action'] === 'heartbeat')).toEqual([])
})

test('two processes for one user open one session between them', async () => {
  const first = sessions()
  const second = sessions({ fetch: first.server })
  await first.ada.track('a')
  await first.client.flush()
  await second.ada.track('b')
  await second.client.flush()
  expect(first.server.taken.map((action) => action['action'])).not.toContain('start')
})

test('what the mirror remembers is bounded', () => {
  const mirror: Mirror = { sessionRules: DEFAULT_SESSION_RULES, mirrorSize: 100, young: new Map(), old: new Map() }
  for (let user = 0; user < 10_000; user += 1) noteSession(mirror, `u${user}`, 'start', 1)
  const known = [...mirror.young.keys(), ...mirror.old.keys()]
  expect(sessionOf(mirror, 'u9999', 1)).toMatchObject({ phase: 'active' })
  expect(known.length).toBeGreaterThanOrEqual(100)
  expect(known.length).toBeLessThanOrEqual(200)
  expect(known).toContain('u9999')
})

test('ensureSession opens a session where none is known, once, and then tells of presence every five minutes', async () => {
  const { client, ada, server, clock } = sessions()
  await ada.ensureSession()
  await ada.ensureSession()
  await ada.track('a')
  clock.advance(5 * MINUTE_MS - 1)
  await ada.ensureSession()
  clock.advance(1)
  await ada.ensureSession()
  await ada.ensureSession()
  await client.flush()
  expect(server.taken.map((action) => action['action'])).toEqual(['resumeSession', 'track', 'heartbeat'])
  expect(server.taken[0]).toMatchObject({ createDisposition: 'CreateIfNeeded' })
})

test('of a session that timed out one can see in which phase', async () => {
  const { ada, clock } = sessions()
  await ada.start()
  await ada.pauseSession()
  expect(ada.session).toMatchObject({ phase: 'paused', lapsed: null })
  clock.advance(30 * MINUTE_MS)
  expect(ada.session).toMatchObject({ phase: 'closed', lapsed: 'paused' })
})

test('ensureSession leaves a paused session paused', async () => {
  const { client, ada, server } = sessions()
  await ada.ensureSession()
  await ada.pauseSession()
  await ada.ensureSession()
  await client.flush()
  expect(server.taken.map((action) => action['action'])).toEqual(['resumeSession', 'pauseSession'])
  expect(ada.session).toMatchObject({ phase: 'paused' })
})

test('who sees something is resumed, and after ten seconds again: another process may have paused the session', async () => {
  const { client, ada, server, clock } = sessions()
  const see = () => ada.ensureSession({ resume: true })
  await see()
  await ada.pauseSession()
  await see()
  clock.advance(10 * SECOND_MS - 1)
  await see()
  clock.advance(1)
  await see()
  await client.flush()
  const sent = ['resumeSession', 'pauseSession', 'resumeSession', 'resumeSession']
  expect(server.taken.map((action) => action['action'])).toEqual(sent)
})

test('signs of life less than two hours apart are one session, however irregular', async () => {
  const { client, ada, server, clock } = sessions()
  for (const minutes of [0, 80, 45, 110, 3, 114]) {
    clock.advance(minutes * MINUTE_MS)
    await ada.ensureSession()
  }
  await client.flush()
  expect(server.taken.filter((action) => action['action'] === 'resumeSession')).toHaveLength(1)
})
