import { ACTIONS } from '@damson/core/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { difference, valueAt } from './golden/match.ts'
import { notes } from './golden/notes.ts'
import { preconditions } from './golden/preconditions.ts'
import { actionsOf, MADE_UP_ACTIONS, reasonToWait, type Vector, vectors, WAITING } from './golden/vectors.ts'
import { createWorld, NOW } from './golden/world.ts'

const ready = vectors.filter((vector) => reasonToWait(vector) === null)
const waiting = vectors.filter((vector) => reasonToWait(vector) !== null)
let passed = 0

describe('wire vectors', () => {
  for (const vector of ready) {
    test(`${vector.name} (${vector.basis})`, async () => {
      const world = await createWorld()
      await preconditions[vector.name]?.(world)
      world.server.clock.set(NOW * 1000)
      await world.server.sweep()

      const { status, body, headers } = await world.send(written(vector))
      expect(difference(vector.expect.body, body)).toBeNull()
      expect(status).toBe(vector.expect.status)
      for (const path of vector.expect.absent ?? []) expect(valueAt(body, path)).toBeUndefined()
      expect(headers).toMatchObject(vector.expect.headers ?? {})
      await notes[vector.name]?.(world)
      await world.server.close()
      passed++
    })
  }

  afterAll(() => {
    console.info(`wire vectors: ${passed} of ${vectors.length} pass, ${waiting.length} wait for their action:`)
    for (const vector of waiting) console.info(`  ${vector.name} — ${reasonToWait(vector)}`)
  })
})

describe('the vectors themselves', () => {
  test('speak of no action that is neither built, nor waiting, nor made up', () => {
    const known = (name: string) =>
      Object.hasOwn(ACTIONS, name) || Object.hasOwn(WAITING, name) || MADE_UP_ACTIONS.includes(name)
    expect(vectors.flatMap(actionsOf).filter((name) => !known(name))).toEqual([])
  })
  test('no action waits that is in the table', () => {
    expect(Object.keys(WAITING).filter((name) => Object.hasOwn(ACTIONS, name))).toEqual([])
  })
  test('every preparation and every check belongs to a vector', () => {
    const names = new Set(vectors.map(({ name }) => name))
    expect([...Object.keys(preconditions), ...Object.keys(notes)].filter((name) => !names.has(name))).toEqual([])
  })
})

/** Writes out what a vector's request describes in words, because it would be long. */
function written({ request }: Vector): Vector['request'] {
  const { body } = request
  if (typeof body === 'string') {
    const encoded = body.replace(/<urlencoded (.*)>$/, (_, json: string) => encodeURIComponent(json))
    return { ...request, body: encoded }
  }
  if (typeof body !== 'object' || body === null) return request
  const { data, params } = body as { data?: unknown; params?: unknown }
  if (data === '<501 track actions for u1>')
    return { ...request, body: { ...body, data: Array.from({ length: 501 }, () => track('u1')) } }
  if (data === '<one track action for each of 51 users>')
    return { ...request, body: { ...body, data: Array.from({ length: 51 }, (_, index) => track(`u${index + 1}`)) } }
  if (params === '<object with 51 keys>') {
    const names = Array.from({ length: 51 }, (_, index) => [`p${index + 1}`, index])
    return { ...request, body: { ...body, params: Object.fromEntries(names) } }
  }
  return request
}

function track(userId: string) {
  return { action: 'track', event: 'e', userId }
}
