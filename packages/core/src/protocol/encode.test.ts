import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeElements, encodeJson, prepareJson } from './encode.ts'
import { DONE_OFFLINE, done, failed, IGNORED, warned, withWarning } from './outcome.ts'
import type { Outcome } from './outcome.ts'

const one = (outcome: Outcome, reqId?: unknown) => encodeElements([{ outcome, reqId }])

describe('encodeElements', () => {
  test('writes the recorded forms', () => {
    expect(one(done())).toBe('{"response":[{"success":true}]}')
    expect(one(DONE_OFFLINE, 'R-1')).toBe('{"response":[{"success":true,"isOffline":true,"reqId":"R-1"}]}')
    expect(one(warned('USER_NOT_FOUND'))).toBe(
      '{"response":[{"success":true,"warning":{"message":"User not found; request skipped."}}]}',
    )
    expect(one(failed('MISSING_ARGUMENT', { name: 'event' }))).toBe(
      `{"response":[{"success":false,"error":{"message":"'event' must be provided"}}]}`,
    )
    expect(encodeElements([])).toBe('{"response":[]}')
  })

  test('marks a refused requireActive on the element and inside the warning', () => {
    expect(one(IGNORED)).toBe(
      '{"response":[{"success":true,"ignored":true,' +
        '"warning":{"message":"No active session; request skipped.","ignored":true}}]}',
    )
  })

  test('keeps the order of fields, whatever the order they were put together in', () => {
    const outcome: Outcome = {
      error: 'e',
      warning: 'w',
      ignored: true,
      isOffline: true,
      fields: { b: 1, a: undefined, c: 2 },
      success: false,
      status: 200,
    }
    expect(one(outcome, 5)).toBe(
      '{"response":[{"success":false,"b":1,"c":2,"isOffline":true,"ignored":true,' +
        '"warning":{"message":"w","ignored":true},"error":{"message":"e"},"reqId":5}]}',
    )
  })

  test('echoes a reqId with its JSON type', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const reqId: unknown = JSON.parse(JSON.stringify(value))
        expect(JSON.parse(one(done(), reqId))).toEqual({ response: [{ success: true, reqId }] })
      }),
    )
  })

  test('answers index for index, plain or not', () => {
    const elements = fc.array(
      fc.record({
        outcome: fc.constantFrom<Outcome>(done(), { status: 200, success: true }, DONE_OFFLINE, failed('PROFILE_BUSY')),
        reqId: fc.constantFrom<unknown>(undefined, 'R', 1),
      }),
    )
    fc.assert(
      fc.property(elements, (list) => {
        const alone = list.map(({ outcome, reqId }) => one(outcome, reqId).slice('{"response":['.length, -2))
        expect(encodeElements(list)).toBe(`{"response":[${alone.join(',')}]}`)
      }),
    )
  })
})

describe('encodeJson', () => {
  test('writes 64-bit integers bare and whole', () => {
    expect(encodeJson({ stateId: -9223372036854775808n, events: [{ eventId: 9223372036854775807n }] })).toBe(
      '{"stateId":-9223372036854775808,"events":[{"eventId":9223372036854775807}]}',
    )
  })

  test('otherwise writes what JSON.stringify writes', () => {
    const values = fc.anything({
      values: [
        fc.string({ unit: fc.constantFrom('x', '"', '\\', '\n', '\0', 'é', '😀', '\ud800') }),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
      ],
    })
    const special = fc.constantFrom(-0, NaN, Infinity, [undefined], { a: undefined, b: { c: undefined } }, {}, [])
    fc.assert(
      fc.property(fc.oneof(values, special), (value) => {
        expect(encodeJson(value)).toBe(JSON.stringify(value))
      }),
    )
  })
})

describe('outcomes', () => {
  test('a success without results is always the same value', () => {
    expect(done()).toBe(done())
    expect(done({ registered: true })).toEqual({ status: 200, success: true, fields: { registered: true } })
  })

  test('carry the status of their notice', () => {
    expect(failed('PROFILE_BLOCKED')).toEqual({ status: 451, success: false, error: 'Unavailable For Legal Reasons' })
    expect(failed('INVALID_HISTORY', { kind: 'event', name: 'x', field: 'firstTime' })).toEqual({
      status: 200,
      success: false,
      error: "event 'x' firstTime is invalid.",
    })
    expect(failed('INVALID_HISTORY', { kind: 'state', name: 'x', field: '' }).error).toBe("state 'x' is invalid.")
    expect(warned('PAST_EVENT', { days: 731 }).warning).toBe('Past event detected (731 days ago). Rewriting timestamp.')
  })

  test('a warning about the clock does not replace one about the matter', () => {
    expect(withWarning(warned('USER_NOT_FOUND'), 'CLOCK_BEHIND', { days: 7 })).toEqual(warned('USER_NOT_FOUND'))
    expect(withWarning(done(), 'CLOCK_BEHIND', { days: 7 }).warning).toBe(
      'Device clock skew detected (7 days behind). Rewriting timestamp.',
    )
  })
})

test('what was prepared is written as it would be otherwise, wherever it stands', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const thing = { list: [value, { value }] }
      const bare = encodeJson({ a: thing, b: [thing] })
      const prepared = prepareJson(thing)
      expect(prepared).toBe(thing)
      expect(encodeJson({ a: prepared, b: [prepared] })).toBe(bare)
      expect(encodeJson(prepared)).toBe(encodeJson({ ...prepared }))
    }),
  )
})
