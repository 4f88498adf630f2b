import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseArgs } from './define.ts'
import { ACTIONS } from './actions.ts'
import { readCommon } from './common.ts'
import { decodeRequest, listActions } from './envelope.ts'
import type { WireRequest } from './envelope.ts'
import { MAX_FORM_FIELDS } from './limits.ts'
import type { RawArgs } from './raw-args.ts'

const decode = (request: Partial<WireRequest>) => decodeRequest({ method: 'POST', query: '', text: null, ...request })

function outerOf(request: Partial<WireRequest>): RawArgs {
  const decoded = decode(request)
  if (!decoded.ok) throw new Error(decoded.outcome.error)
  return decoded.outer
}

function refusalOf(request: Partial<WireRequest>): string {
  const decoded = decode(request)
  if (decoded.ok) throw new Error('was not refused')
  expect(decoded.outcome.success).toBe(false)
  return `${decoded.outcome.status} ${decoded.outcome.error}`
}

function actionsOf(outer: RawArgs): readonly RawArgs[] {
  const listed = listActions(outer)
  if (!listed.ok) throw new Error(listed.outcome.error)
  return listed.actions
}

describe('the body', () => {
  const args = { action: 'track', event: 'e', value: '1' }
  const json = JSON.stringify(args)
  const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', undefined, 'image/png']

  test.each(types)('is JSON when it begins like JSON, whatever its type says: %s', (contentType) => {
    for (const text of [json, `\uFEFF${json}`, `\r\n\t ${json}`, `\uFEFF ${json}\n`])
      expect(outerOf({ contentType, text })).toEqual(args)
  })

  test.each(types.slice(1))('is a form otherwise: %s', (contentType) => {
    expect(outerOf({ contentType, text: 'action=track&event=e&value=1' })).toEqual(args)
  })

  test('is the data of a multi when it is a list', () => {
    const outer = outerOf({ query: 'appId=a&time=5', text: ` ${JSON.stringify([args])}` })
    expect(outer).toEqual({ action: 'multi', appId: 'a', time: '5', data: [args] })
    expect(actionsOf(outer)).toEqual([args])
  })

  test('may be the fields of a multipart form', () => {
    expect(outerOf({ query: 'action=track', fields: { event: 'a b&c', value: '1' } })).toEqual({
      action: 'track',
      event: 'a b&c',
      value: '1',
    })
  })

  test.each(['', ' ', '\uFEFF\n', null])('may be empty: %o', (text) => {
    expect(outerOf({ query: 'action=track', contentType: 'application/json', text })).toEqual({ action: 'track' })
  })

  test.each(['{', '{"a":}', '[1,', '{"a":1}x', '{"a":"\0"}'])('must be JSON if it begins like JSON: %s', (text) => {
    expect(refusalOf({ text })).toBe('400 Invalid JSON in request body.')
  })

  test.each(['null', '"text"', '5', 'action=track'])('must be JSON if its type says so: %s', (text) => {
    for (const contentType of ['application/json', 'application/json;charset=utf-8', 'application/vnd.api+json'])
      expect(refusalOf({ text, contentType })).toBe('400 Invalid JSON in request body.')
  })

  test('wins over the query, but null is no value', () => {
    const query = 'action=track&event=fromQuery&userId=u1&info=x'
    expect(outerOf({ query, text: '{"event":"fromBody","userId":null,"info":""}' })).toEqual({
      action: 'track',
      event: 'fromBody',
      userId: 'u1',
      info: '',
    })
  })

  test('may be missing: everything is in the query', () => {
    const query = "action=setUserAttributes&userId=u1&userAttributes=%7B'Interests':%20['Technology',%20'Music']%7D"
    const outer = outerOf({ method: 'GET', query })
    expect(parseArgs(ACTIONS.setUserAttributes, outer)).toMatchObject({
      args: { userAttributes: { Interests: ['Technology', 'Music'] } },
    })
  })
})

describe('what official clients send', () => {
  test('the Web SDK: keys in the URL, data as JSON labelled text/plain', () => {
    const outer = outerOf({
      contentType: 'text/plain',
      query: 'appId=app_T&client=js&clientKey=prod_T&sdkVersion=1.9.1&action=multi&time=1700000000.123',
      text:
        '{"data":[{"appId":"app_T","client":"js","clientKey":"prod_T","userAttributes":"{\\"plan\\":\\"a\\"}",' +
        '"country":"(detect)","includeDefaults":false,"newsfeedMessages":[],"sdkVersion":"1.9.1",' +
        '"deviceId":"AbCdEfGhIjKlMnOp","userId":"AbCdEfGhIjKlMnOp","action":"start","devMode":false,"time":"1700000000.1"}]}',
    })
    expect(readCommon(outer)).toMatchObject({ common: { time: 1_700_000_000_123, client: 'js', sdkVersion: '1.9.1' } })
    const [start] = actionsOf(outer)
    expect(parseArgs(ACTIONS.start, start!)).toEqual({
      ok: true,
      args: {
        userAttributes: { plan: 'a' },
        country: '(detect)',
        background: false,
        includeDefaults: false,
        newsfeedMessages: [],
        includeVariantDebugInfo: false,
      },
    })
  })

  test('the Android SDK: a form whose data is JSON text of an object', () => {
    const track = { action: 'track', event: 'e', value: '0.0', deviceId: 'd1', userId: 'd1', devMode: 'false' }
    const data = JSON.stringify({ data: [{ ...track, time: '1700000000.4', reqId: 'R-1', allowOffline: 'true' }] })
    const form = new URLSearchParams({ appId: 'app_T', client: 'android', action: 'multi', sdkVersion: '7.7.1', data })
    const outer = outerOf({ contentType: 'application/x-www-form-urlencoded', text: form.toString() })
    const [action] = actionsOf(outer)
    expect(readCommon(action!, outer)).toMatchObject({
      common: { devMode: false, time: 1_700_000_000_400, reqId: 'R-1', client: 'android' },
    })
    expect(parseArgs(ACTIONS.track, action!)).toEqual({ ok: true, args: { event: 'e', value: 0, allowOffline: true } })
  })

  test("the vendor's Python sample: JSON labelled as a form", () => {
    const text = '{"action":"getMessages","appId":"app_T","clientKey":"cro_T","apiVersion":"1.0.6"}'
    expect(outerOf({ contentType: 'application/x-www-form-urlencoded', text })).toEqual(JSON.parse(text))
  })
})

describe('what is refused', () => {
  test.each(['PUT', 'DELETE', 'get'])('the method %s', (method) => {
    expect(refusalOf({ method })).toBe('405 Method not allowed.')
  })

  test.each(['appId', 'clientKey'])('a second %s', (name) => {
    const twice = `${name}=a&action=track&${name}=a`
    expect(refusalOf({ query: twice })).toBe(`400 '${name}' is invalid.`)
    expect(refusalOf({ text: twice })).toBe(`400 '${name}' is invalid.`)
    expect(outerOf({ query: `${name}=a`, text: `{"${name}":"b"}` })).toEqual({ [name]: 'b' })
  })

  test('of any other doubled argument only the second', () => {
    expect(outerOf({ query: 'event=a&event=b' })).toEqual({ event: 'a' })
  })

  test.each(['__proto__', 'constructor', 'prototype'])('the key %s', (key) => {
    const message = `400 '${key}' is invalid.`
    expect(refusalOf({ query: `${key}=1` })).toBe(message)
    expect(refusalOf({ text: `a=1&${key}=1` })).toBe(message)
    expect(refusalOf({ text: `{"${key}":{"x":1}}` })).toBe(message)
    expect(refusalOf({ text: `{"data":[{"params":{"${key}":1}}]}` })).toBe(message)
    expect(refusalOf({ fields: JSON.parse(`{"${key}":"1"}`) })).toBe(message)
  })

  test('NUL', () => {
    expect(refusalOf({ query: 'event=a%00' })).toBe("400 'event' is invalid.")
    expect(refusalOf({ text: '{"event":"a\\u0000"}' })).toBe("400 'event' is invalid.")
    expect(refusalOf({ fields: { event: 'a\0' } })).toBe("400 'event' is invalid.")
  })

  test('what is too deep, too wide or has too many fields', () => {
    const message = '400 Request is nested too deeply or has too many members.'
    expect(refusalOf({ text: `{"a":${'['.repeat(40)}${']'.repeat(40)}}` })).toBe(message)
    expect(refusalOf({ text: `{"a":[${'0,'.repeat(30_000)}0]}` })).toBe(message)
    expect(refusalOf({ query: 'a=1&'.repeat(MAX_FORM_FIELDS + 1) })).toBe(message)
  })
})

describe('listActions', () => {
  const list = [{ action: 'track' }, { action: 'stop' }]

  test.each([
    ['a list', list],
    ['a list as text', JSON.stringify(list)],
    ['an object as text', JSON.stringify({ data: list })],
    ['an object', { data: list }],
    ['a list in single quotes', "[{'action':'track'},{'action':'stop'}]"],
  ])('takes %s', (_name, data) => {
    expect(listActions({ action: 'multi', data })).toEqual({ ok: true, isMulti: true, actions: list })
  })

  test('gives back a single action as it is', () => {
    const outer = { action: 'track', data: [1] }
    expect(listActions(outer)).toEqual({ ok: true, isMulti: false, actions: [outer] })
  })

  test('an element that is no object is an action without arguments, at its own index', () => {
    const actions = actionsOf({ action: 'multi', data: [null, 5, [], { action: 'stop' }, 'x'] })
    expect(actions).toEqual([{}, {}, {}, { action: 'stop' }, {}])
  })

  test('an empty list is a list', () => {
    expect(actionsOf({ action: 'multi', data: [] })).toEqual([])
  })

  test.each([
    [undefined, "'data' must be provided"],
    ['', "'data' must be provided"],
    [5, "'data' is invalid."],
    ['{"data":5}', "'data' is invalid."],
    ['track', "'data' is invalid."],
    ['[{"params":{"__proto__":1}}]', "'__proto__' is invalid."],
    ['['.repeat(40) + ']'.repeat(40), 'Request is nested too deeply or has too many members.'],
  ])('refuses %o', (data, error) => {
    expect(listActions({ action: 'multi', data })).toMatchObject({ ok: false, outcome: { status: 400, error } })
  })
})

describe('whatever comes', () => {
  const text = fc.string({ unit: fc.constantFrom(...'a09 +%&=;#"\'\\[]{}é😀\n') })
  const name = fc.oneof(fc.constantFrom('action', 'data', 'event', 'appId', 'time', 'params'), text)
  const argumentMap = fc.dictionary(name, text, { noNullPrototype: true })

  test('decoding undoes encoding, in every format', () => {
    fc.assert(
      fc.property(argumentMap, (args) => {
        const json = JSON.stringify(args)
        const expected: unknown = JSON.parse(json)
        expect(outerOf({ text: json })).toEqual(expected)
        expect(outerOf({ query: new URLSearchParams(args).toString() })).toEqual(expected)
        expect(outerOf({ fields: args })).toEqual(expected)
      }),
    )
  })

  test('ten thousand mangled requests are answered or refused with 4xx, never thrown', () => {
    const texts = [
      '{"action":"multi","data":[{"action":"track","event":"e","params":{"a":[1,2,{"b":null}]},"value":1e3}],"time":"1.5"}',
      'action=track&event=e&params=%7B%22a%22%3A1%7D&value=0.0',
      '[{"action":"start","userAttributes":"{\'a\':\'b\'}"}]',
      '{"action":"multi","data":"{\\"data\\":[{\\"action\\":\\"advance\\",\\"state\\":\\"\\\\u0041\\"}]}"}',
    ]
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      ',',
      ':',
      '\\u0000',
      '\\ud800',
      '\0',
      '"__proto__":',
      '1e999',
      '&',
      '%',
      '=',
      '-0',
    ]
    const edit = fc.record({ at: fc.nat(200), cut: fc.nat(3), piece: fc.constantFrom('', ...pieces) })
    const mangled = fc
      .tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 4 }))
      .map(([text, edits]) =>
        edits.reduce((kept, { at, cut, piece }) => kept.slice(0, at) + piece + kept.slice(at + cut), text),
      )
    const types = fc.constantFrom('application/json', 'text/plain', undefined)
    let refused = 0
    fc.assert(
      fc.property(mangled, types, fc.boolean(), (text, contentType, isQuery) => {
        const decoded = decode(isQuery ? { query: text } : { text, contentType })
        const listed = decoded.ok ? listActions(decoded.outer) : decoded
        if (!listed.ok) {
          refused++
          expect(listed.outcome.status).toBeGreaterThanOrEqual(400)
          expect(listed.outcome.status).toBeLessThan(500)
          return
        }
        for (const action of listed.actions) {
          readCommon(action, decoded.ok ? decoded.outer : {})
          for (const definition of Object.values(ACTIONS)) parseArgs(definition, action)
        }
      }),
      { numRuns: 10_000 },
    )
    expect(refused).toBeGreaterThan(1_000)
    expect(Object.keys(Object.prototype)).toEqual([])
  }, 60_000)
})
