import { describe, expect, expectTypeOf, test } from 'vitest'
import { ACTIONS } from './actions.ts'
import type { ArgsOf } from './actions.ts'
import { readCommon, readReqId } from './common.ts'
import { parseArgs } from './define.ts'
import type { RawArgs } from './raw-args.ts'

const track = (raw: RawArgs) => parseArgs(ACTIONS.track, raw)

describe('parseArgs', () => {
  test('gives a handler typed values', () => {
    expect(track({ event: 'Purchase', value: '9.99', params: '{"a":1}', allowOffline: 'true', time: 5 })).toEqual({
      ok: true,
      args: { event: 'Purchase', value: 9.99, params: { a: 1 }, allowOffline: true },
    })
    expectTypeOf<ArgsOf<'track'>['event']>().toEqualTypeOf<string>()
    expectTypeOf<ArgsOf<'track'>['value']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<ArgsOf<'track'>['disposition']>().toEqualTypeOf<'active' | 'passive' | 'requireActive' | undefined>()
    expectTypeOf<ArgsOf<'start'>['background']>().toEqualTypeOf<boolean>()
    expectTypeOf<ArgsOf<'heartbeat'>>().toEqualTypeOf<{}>()
  })

  test('takes null, nothing and the empty text for not supplied', () => {
    for (const value of [null, undefined, ''])
      expect(track({ event: 'e', value, info: value, params: value })).toEqual({ ok: true, args: { event: 'e' } })
  })

  test('passes over what it does not know', () => {
    expect(track({ event: 'e', ab_test_id: '', segment: {} })).toEqual({ ok: true, args: { event: 'e' } })
  })

  test('names the argument that is missing', () => {
    expect(parseArgs(ACTIONS.registerDevice, {})).toEqual({ ok: false, missing: 'email' })
    expect(parseArgs(ACTIONS.registerDevice, { email: '' })).toEqual({ ok: false, missing: 'email' })
    expect(parseArgs(ACTIONS.setTrafficSourceInfo, { trafficSource: null })).toEqual({
      ok: false,
      missing: 'trafficSource',
    })
  })

  test('names the argument that cannot be read', () => {
    expect(track({ event: 'e', disposition: 'lazy' })).toEqual({ ok: false, invalid: 'disposition' })
    expect(track({ event: 'e', value: Infinity })).toEqual({ ok: false, invalid: 'value' })
    expect(track({ event: {} })).toEqual({ ok: false, invalid: 'event' })
  })

  test('fills in defaults', () => {
    expect(parseArgs(ACTIONS.getVars, {})).toEqual({
      ok: true,
      args: { includeDefaults: true, includeVariantDebugInfo: false },
    })
    expect(parseArgs(ACTIONS.deleteUser, { fullErasure: 'TRUE' })).toEqual({ ok: true, args: { fullErasure: true } })
  })

  test.each([{}, { event: '' }, { event: null }, { messageId: '' }, { event: '', messageId: null }])(
    'track needs an event or a message: %o',
    (raw) => {
      expect(track(raw)).toEqual({ ok: false, missing: 'event' })
    },
  )

  test.each([{ messageId: 5 }, { messageId: '5', event: '' }, { messageId: 5, event: null }])(
    'of a message, no event means Send or View: %o',
    (raw) => {
      expect(track(raw)).toEqual({ ok: true, args: { event: '', messageId: 5 } })
    },
  )

  test.each([{}, { state: null }, { state: '' }])('advance without a state leaves the current one: %o', (raw) => {
    expect(parseArgs(ACTIONS.advance, raw)).toEqual({ ok: true, args: { state: '' } })
  })

  test('a channel may come alone or in a list', () => {
    for (const channels of ['Email', ['Email'], '["Email"]', '[Email]'])
      expect(parseArgs(ACTIONS.setUserAttributes, { unsubscribeChannelsToAdd: channels })).toEqual({
        ok: true,
        args: { unsubscribeChannelsToAdd: ['Email'], resetAnomalies: false },
      })
  })
})

describe('readCommon', () => {
  const read = (raw: RawArgs, outer?: RawArgs) => {
    const result = readCommon(raw, outer)
    if (!result.ok) throw new Error(`${result.invalid} was invalid`)
    return result.common
  }

  test('reads what an SDK sends', () => {
    const raw = { userId: 'd1', deviceId: 'd1', devMode: 'false', time: '1700000000.4', reqId: 'R-1', uuid: 'U-1' }
    expect(
      read(raw, { client: 'android', sdkVersion: '7.7.1', time: '1700000000.5', reqId: 'R-0', uuid: 'U-0' }),
    ).toEqual({
      userId: 'd1',
      deviceId: 'd1',
      devMode: false,
      createDisposition: null,
      time: 1_700_000_000_400,
      reqId: 'R-1',
      uuid: 'U-1',
      client: 'android',
      sdkVersion: '7.7.1',
      versionName: null,
    })
  })

  test('takes from around the batch what the action does not say, but no time and no reqId', () => {
    const outer = {
      userId: 'u',
      deviceId: 5,
      devMode: true,
      createDisposition: 'CreateNever',
      time: 1,
      reqId: 1,
      uuid: 'U',
    }
    expect(read({ deviceId: null, userId: '' }, outer)).toMatchObject({
      userId: 'u',
      deviceId: '5',
      devMode: true,
      createDisposition: 'CreateNever',
      time: null,
      reqId: undefined,
      uuid: null,
    })
    expect(read({ userId: 'v', devMode: 0, createDisposition: 'CreateIfNeeded' }, outer)).toMatchObject({
      userId: 'v',
      devMode: false,
      createDisposition: 'CreateIfNeeded',
    })
  })

  test.each([
    ['userId', 'x'.repeat(401)],
    ['deviceId', {}],
    ['devMode', 'maybe'],
    ['createDisposition', 'createNever'],
    ['time', '2017-09-14'],
    ['uuid', []],
    ['client', true],
    ['sdkVersion', {}],
    ['versionName', {}],
  ])('says that %s is invalid', (name, value) => {
    expect(readCommon({ [name]: value })).toEqual({ ok: false, invalid: name })
  })

  test('leaves the reqId exactly as it came', () => {
    for (const reqId of ['7', 7, false, { a: [1] }]) expect(readReqId({ reqId })).toBe(reqId)
    for (const reqId of [null, undefined, '']) expect(readReqId({ reqId })).toBeUndefined()
  })
})
