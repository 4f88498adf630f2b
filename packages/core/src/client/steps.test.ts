import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Draft } from './before-send.ts'
import { tagBots } from './bots.ts'
import { clientWorld } from './client-world.ts'
import { redact, REDACTIONS } from './redaction.ts'
import { sample } from './sampling.ts'

const draft: Draft = {
  action: 'track',
  userId: 'ada',
  deviceId: undefined,
  userAgent: undefined,
  name: 'Signed up',
  params: undefined,
  args: undefined,
  time: 0,
}

test.each([
  ['write to ada.l+x@example.co.uk now', 'write to [email] now'],
  ['card 4111 1111 1111 1111.', 'card [card].'],
  ['order 4111 1111 1111 1112', 'order 4111 1111 1111 1112'],
  ['from 192.168.0.17', 'from [ip]'],
  ['from 2001:db8::ff00:42:8329', 'from [ip]'],
  ['at 10:30:00 sharp', 'at 10:30:00 sharp'],
  ['call +49 (151) 234-56789', 'call [phone]'],
  ['Bearer abc.def', '[token]'],
  ['eyJhbGciOi.eyJzdWIi.c2ln', '[token]'],
  ['version 1.2.3, 3 items, 12345678', 'version 1.2.3, 3 items, 12345678'],
])('%s is redacted to %s', (text, expected) => {
  expect(redact()({ ...draft, params: { text } })).toMatchObject({ params: { text: expected } })
})

test('redaction reaches attributes and lists, goes by names as well, and leaves the original alone', () => {
  const args = { userAttributes: { mails: ['a@b.example'], Password: 'hunter2', age: 7, none: null } }
  expect(redact()({ ...draft, args })).toMatchObject({
    args: { userAttributes: { mails: ['[email]'], Password: '[secret]', age: 7, none: null } },
  })
  expect(args.userAttributes.Password).toBe('hunter2')
  const chosen = redact({ rules: [REDACTIONS.phone], keys: /^city$/ })
  expect(chosen({ ...draft, params: { mail: 'a@b.example', city: 'Berlin' } })).toMatchObject({
    params: { mail: 'a@b.example', city: '[secret]' },
  })
})

test('what is redacted never comes to the wire', async () => {
  const { client, ada, server } = clientWorld({ beforeSend: redact() })
  await ada.track('Mail', { to: 'grace@example.com' }, { info: 'from ada@example.com' })
  await client.flush()
  expect(JSON.stringify(server.requests)).not.toContain('example.com')
})

test('sampling keeps the same users everywhere, about as many as asked, and records the rate', () => {
  const keep = sample({ rate: 0.25 })
  const kept = Array.from({ length: 4_000 }, (_, user) => keep({ ...draft, userId: `user ${user}` }))
  expect(Array.from({ length: 4_000 }, (_, user) => keep({ ...draft, userId: `user ${user}` }))).toEqual(kept)
  const share = kept.filter((each) => each !== null && !('drop' in each)).length / 4_000
  expect(share).toBeGreaterThan(0.22)
  expect(share).toBeLessThan(0.28)
  expect(kept.find((each) => each !== null && 'params' in each)).toMatchObject({ params: { sampleRate: 0.25 } })
})

test('a user kept at a rate is kept at every higher one', () => {
  const isKept = (rate: number, userId: string) => !('drop' in (sample({ rate })({ ...draft, userId }) ?? { drop: '' }))
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0, max: 1 }), fc.double({ min: 0, max: 1 }), (userId, one, other) => {
      if (isKept(Math.min(one, other), userId)) expect(isKept(Math.max(one, other), userId)).toBe(true)
    }),
  )
})

test('only the events named are sampled, and only events', () => {
  const drop = sample({ rate: 0, events: ['Scrolled'] })
  expect(drop({ ...draft, name: 'Scrolled' })).toEqual({ drop: 'sampled' })
  expect(drop({ ...draft, name: 'Purchase' })).toMatchObject({ name: 'Purchase' })
  expect(sample({ rate: 0 })({ ...draft, action: 'start' })).toMatchObject({ action: 'start' })
})

test('crawlers are marked, people and backends are not', async () => {
  const { client, server } = clientWorld({ beforeSend: tagBots() })
  const googlebot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
  for (const userAgent of [googlebot, firefox, undefined])
    await client.for({ deviceId: 'd' }, { userAgent }).track('View')
  await client.flush()
  expect(server.taken.map((action) => action['params'])).toEqual([{ bot: true }, undefined, undefined])
})
