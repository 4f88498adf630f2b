import { expect, expectTypeOf, test } from 'vitest'
import { clientWorld } from './client-world.ts'
import { createClient, type Client } from './client.ts'
import { defineEvents, params, type StandardSchema } from './events.ts'

/** A schema as zod, valibot and arktype make them, without any of them. */
const searched: StandardSchema<{ query: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof (value as { query?: unknown }).query === 'string'
        ? { value: { query: (value as { query: string }).query.trim() } }
        : { issues: [{ message: 'query must be text' }] },
  },
}

const events = defineEvents({
  Opened: null,
  Purchase: params<{ item: string; price?: number }>(),
  Rated: params<{ stars?: number }>(),
  Searched: searched,
})

test('a wrong name or parameter is a compile error', () => {
  const client = createClient({ appId: 'a', clientKey: 'k', fetch: () => new Response(), events })
  const ada = client.for({ userId: 'ada' })
  /** Compiled, never run: each line marked must be an error, or the compiler reports the mark. */
  const misuse = () => {
    void ada.track('Opened')
    void ada.track('Purchase', { item: 'tea' })
    void ada.track('Rated')
    void ada.track('Searched', { query: 'tea' })
    // @ts-expect-error no such event
    void ada.track('Purchased', { item: 'tea' })
    // @ts-expect-error its parameters are required
    void ada.track('Purchase')
    // @ts-expect-error a parameter of the wrong type
    void ada.track('Purchase', { item: 3 })
    // @ts-expect-error a parameter nobody declared
    void ada.track('Purchase', { item: 'tea', colour: 'green' })
    // @ts-expect-error an event without parameters
    void ada.track('Opened', { item: 'tea' })
    // @ts-expect-error the schema's input
    void ada.track('Searched', { query: 3 })
  }
  expect(misuse).toBeTypeOf('function')
})

test('without declared events any name and any flat parameters will do', () => {
  expectTypeOf<Client>().toHaveProperty('for')
  const { ada } = clientWorld()
  const misuse = () => {
    void ada.track('anything', { text: 'a', number: 1, yes: true })
    // @ts-expect-error parameters are flat
    void ada.track('anything', { nested: { a: 1 } })
  }
  expect(misuse).toBeTypeOf('function')
})

test('a schema checks at run time: what fits is sent as it says, the rest is dropped', async () => {
  const world = clientWorld()
  const client = createClient({
    appId: 'a',
    clientKey: 'k',
    fetch: world.server,
    events,
    autoStart: false,
    onDrop: (each) => world.dropped.push(each),
  })
  const ada = client.for({ userId: 'ada' })
  await ada.track('Searched', { query: ' tea ' })
  await ada.track('Searched', { query: undefined as unknown as string })
  await client.flush()
  expect(world.server.taken.map((action) => action['params'])).toEqual([{ query: 'tea' }])
  expect(world.dropped).toMatchObject([{ name: 'Searched', reason: 'invalid', detail: 'query must be text' }])
})
