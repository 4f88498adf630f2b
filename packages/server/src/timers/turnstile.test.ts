import { expect, test } from 'vitest'
import { Turnstile } from './turnstile.ts'

test('one is inside at a time, in order; whoever gives up waiting is passed over', async () => {
  const turnstile = new Turnstile()
  const inside: string[] = []
  const [ann, bob, eve, zoe] = ['ann', 'bob', 'eve', 'zoe'].map((name) => ({ name })) as [
    object,
    object,
    object,
    object,
  ]
  const enter = (who: object) => void turnstile.enter(who).then(() => inside.push((who as { name: string }).name))
  for (const who of [ann, bob, eve, zoe]) enter(who)
  const seen = async () => {
    await Promise.resolve()
    return inside.join(' ')
  }
  expect(await seen()).toBe('ann')
  turnstile.leave(bob)
  turnstile.leave({})
  expect(await seen()).toBe('ann')
  turnstile.leave(ann)
  expect(await seen()).toBe('ann eve')
  turnstile.leave(ann)
  expect(await seen(), 'leaving twice lets nobody in').toBe('ann eve')
  turnstile.leave(eve)
  turnstile.leave(zoe)
  enter(ann)
  expect(await seen()).toBe('ann eve zoe ann')
})
