import { HOUR_MS, MINUTE_MS } from '@damson/core'
import { createTestServer } from '@damson/server/testing'
import { expect, test } from 'vitest'
import { browser, signedIn, startApp, VERSIONS } from './test-app.ts'

/** Some numbers that look random and are the same each time. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

test.each(VERSIONS)(
  'three apps behind a balancer, one engine: sessions are those of one app (%s)',
  async (_name, express) => {
    const engine = await createTestServer()
    const options = { engine, damson: { identify: signedIn } }
    const apps = await Promise.all([startApp(express, options), startApp(express, options), startApp(express, options)])
    const flush = () => Promise.all(apps.map((app) => app.client.flush()))
    let turn = 0
    const random = numbers(7)
    const people = Array.from({ length: 20 }, (_, index) => {
      const person = browser(() => apps[(turn += 1) % 3]!)
      person.user = `user-${index}`
      return { person, seenAt: -Infinity, sessions: 0 }
    })
    for (let step = 0; step < 60; step += 1) {
      // Mostly minutes, now and then hours: some sessions go on, some are over.
      engine.clock.advance(random() < 0.1 ? 3 * HOUR_MS : Math.floor(random() * 25 * MINUTE_MS))
      for (const one of people.filter(() => random() < 0.3)) {
        await one.person.visit('/')
        // The reference: two hours without a request end a session. A sign of life may be told up to five minutes late.
        const quietMs = engine.clock.now() - one.seenAt
        if (quietMs >= 2 * HOUR_MS) one.sessions += 1
        one.seenAt = engine.clock.now()
      }
      await flush()
    }
    for (const { person, sessions } of people) {
      const entries = await engine.entries('app_test', person.user ?? '')
      const found = entries.filter(({ kind }) => kind === 'sessionStarted').length
      expect([person.user, found]).toEqual([person.user, sessions])
    }
    await engine.close()
  },
)
