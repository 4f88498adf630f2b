import { createClient, defineEvents, openTelemetry, params, type OpenTelemetryApi } from '@damson/core'
import { recordingFetch } from '@damson/core/testing'
import * as opentelemetry from '@opentelemetry/api'
import { type } from 'arktype'
import * as v from 'valibot'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const events = defineEvents({
  Opened: null,
  Plain: params<{ item: string }>(),
  Zod: z.object({ item: z.string(), pots: z.number().int() }),
  Valibot: v.object({ item: v.pipe(v.string(), v.minLength(2)) }),
  Arktype: type({ item: 'string', 'pots?': 'number' }),
})

test('events may be described by zod, valibot, arktype or plain TypeScript', async () => {
  const server = recordingFetch()
  const reasons: string[] = []
  const client = createClient({
    appId: 'a',
    clientKey: 'k',
    fetch: server,
    events,
    autoStart: false,
    onDrop: ({ name, reason }) => reasons.push(`${name}: ${reason}`),
  })
  const ada = client.for({ userId: 'ada' })
  await ada.track('Opened')
  await ada.track('Plain', { item: 'tea' })
  await ada.track('Zod', { item: 'tea', pots: 2 })
  await ada.track('Valibot', { item: 'tea' })
  await ada.track('Arktype', { item: 'tea' })
  // They fit their types and not their schemas.
  await ada.track('Zod', { item: 'tea', pots: 0.5 })
  await ada.track('Valibot', { item: 't' })
  /** Compiled, never run: each line marked must be an error, or the compiler reports the mark. */
  const misuse = () => {
    // @ts-expect-error zod's input
    void ada.track('Zod', { item: 'tea' })
    // @ts-expect-error valibot's input
    void ada.track('Valibot', { item: 1 })
    // @ts-expect-error arktype's input
    void ada.track('Arktype', { item: 'tea', pots: 'two' })
  }
  expectTypeOf(misuse).toBeFunction()
  await client.flush()
  expect(server.taken.map((action) => action['event'])).toEqual(['Opened', 'Plain', 'Zod', 'Valibot', 'Arktype'])
  expect(reasons).toEqual(['Zod: invalid', 'Valibot: invalid'])
})

test('@opentelemetry/api itself is what openTelemetry takes', async () => {
  expectTypeOf(opentelemetry).toExtend<OpenTelemetryApi>()
  const telemetry = openTelemetry(opentelemetry)
  const client = createClient({ appId: 'a', clientKey: 'k', fetch: recordingFetch(), telemetry })
  await client.for({ userId: 'ada' }).track('Opened')
  expect(await client.close()).toMatchObject({ dropped: 0, pending: 0 })
})
