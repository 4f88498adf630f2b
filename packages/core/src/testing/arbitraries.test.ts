import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sessionHistories, wireHistories } from './arbitraries.ts'

test('sweeps never go back, and are never behind an event that has arrived', () => {
  fc.assert(
    fc.property(sessionHistories(fc), (history) => {
      let serverNow = -Infinity
      for (const step of history) {
        if ('sweepAt' in step) expect(step.sweepAt).toBeGreaterThanOrEqual(serverNow)
        serverNow = Math.max(serverNow, 'sweepAt' in step ? step.sweepAt : step.at)
      }
    }),
  )
})

test('a history has every kind of command, on time and late', () => {
  const seen = new Set<string>()
  for (const history of fc.sample(sessionHistories(fc), { numRuns: 200, seed: 1 })) {
    let latest = -Infinity
    for (const step of history) {
      if ('sweepAt' in step) continue
      seen.add(`${step.command.type} ${step.at < latest ? 'late' : 'on time'}`)
      latest = Math.max(latest, step.at)
    }
  }
  expect(seen.size).toBe(2 * 11)
})

test('wire actions carry their event time in seconds', () => {
  for (const action of fc.sample(wireHistories(fc), 20).flat()) {
    expect(action['action']).toBeTypeOf('string')
    expect(new Date(Number(action['time']) * 1000).getUTCFullYear()).toBeGreaterThanOrEqual(2023)
    expect(new Date(Number(action['time']) * 1000).getUTCFullYear()).toBeLessThan(2030)
  }
})
