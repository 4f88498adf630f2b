import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson, replaceHalves, scanJson, toWellFormed } from './json.ts'
import { MAX_JSON_DEPTH, MAX_JSON_MEMBERS, MAX_JSON_WIDTH } from './limits.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const wide = (members: number) => `[${Array(members).fill(0).join(',')}]`
const bytes = (text: string) => new TextEncoder().encode(text)

/** Whole pairs, halves of pairs, NUL, and text that looks like an escape. */
const anyText = fc.string({ unit: fc.constantFrom('\ud83d', '\ude00', '\ud800', '\0', 'x', 'é', '\\u') })

describe('scanJson', () => {
  test.each([
    ['at the limit of depth', nested(MAX_JSON_DEPTH), 'ok'],
    ['one too deep', nested(MAX_JSON_DEPTH + 1), 'tooDeep'],
    ['deep with objects', '{"a":'.repeat(33) + '1' + '}'.repeat(33), 'tooDeep'],
    ['a hundred thousand deep', nested(100_000), 'tooDeep'],
    ['many brackets side by side', `[${'{},'.repeat(1_000)}{}]`, 'ok'],
    ['brackets inside a text', JSON.stringify(['['.repeat(5_000)]), 'ok'],
    ['brackets after an escaped quote', JSON.stringify(['"' + '['.repeat(5_000)]), 'ok'],
    ['closing brackets inside texts do not count', '["]",'.repeat(33) + '0' + ']'.repeat(33), 'tooDeep'],
    ['at the limit of width', wide(MAX_JSON_WIDTH), 'ok'],
    ['one too wide', wide(MAX_JSON_WIDTH + 1), 'tooWide'],
    [
      'too many in all',
      `[${Array(20)
        .fill(wide(MAX_JSON_MEMBERS / 20 + 1))
        .join(',')}]`,
      'tooWide',
    ],
    ['a number of a million digits', '9'.repeat(1_000_000), 'ok'],
    ['no JSON at all', `]${','.repeat(MAX_JSON_MEMBERS)}`, 'ok'],
    ['an open text', '["' + ','.repeat(30_000), 'ok'],
  ])('%s', (_name, text, expected) => {
    expect(scanJson(text)).toBe(expected)
    expect(scanJson(bytes(text))).toBe(expected)
  })

  test('finds all ordinary JSON in order', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect([scanJson(text), scanJson(bytes(text))]).toEqual(['ok', 'ok'])
      }),
    )
  })

  test('agrees with a walk over the parsed value about depth', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'max', maxDepth: 40 },
        fc.string(),
        fc.tuple(tie('value')),
        fc.record({ a: tie('value') }),
      ),
    })).value
    fc.assert(
      fc.property(values, fc.nat(40), (value, around) => {
        const text = '[{"]":'.repeat(around) + JSON.stringify(value) + '}]'.repeat(around)
        expect(scanJson(bytes(text))).toBe(depthOf(value) + 2 * around > MAX_JSON_DEPTH ? 'tooDeep' : 'ok')
      }),
    )
  })
})

describe('parseJson', () => {
  test.each([
    ['{"__proto__":{}}', '__proto__'],
    ['{"a":[{"constructor":1}]}', 'constructor'],
    ['{"a":{"prototype":1}}', 'prototype'],
    ['{"\\u005f_proto__":1}', '__proto__'],
    ['{"c\\u006fnstructor":1}', 'constructor'],
    ['{"a":"x\\u0000"}', 'a'],
    ['{"a":["x\\u0000"]}', 'a'],
    ['{"x\\u0000":1}', 'x\0'],
  ])('refuses %s', (text, key) => {
    expect(parseJson(text)).toEqual({ ok: false, problem: 'unsafe', key })
  })

  test('takes the refused words as values', () => {
    expect(parseJson('{"event":"constructor"}')).toEqual({ ok: true, value: { event: 'constructor' } })
  })

  test('replaces halves of surrogate pairs, and leaves whole ones', () => {
    const text = '{"a":"\\ud800x\\ud83d\\ude00","\\udc00":["\\udfff"]}'
    expect(parseJson(text)).toEqual({ ok: true, value: { a: '\uFFFDx😀', '\uFFFD': ['\uFFFD'] } })
    expect(parseJson('"\\ud800"')).toEqual({ ok: true, value: '\uFFFD' })
  })

  test('says what is wrong', () => {
    expect(parseJson('{"a"')).toEqual({ ok: false, problem: 'syntax' })
    expect(parseJson('')).toEqual({ ok: false, problem: 'syntax' })
    expect(parseJson('{"a":"\0"}')).toEqual({ ok: false, problem: 'syntax' })
    expect(parseJson(nested(33))).toEqual({ ok: false, problem: 'tooComplex' })
  })

  test('reads whatever JSON.stringify wrote', () => {
    const values = fc
      .jsonValue()
      .filter((value) => !/__proto__|constructor|prototype|\\u0000/.test(JSON.stringify(value)))
    fc.assert(
      fc.property(values, (value) => {
        const text = JSON.stringify(value)
        expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
  })

  test('what it gives out is well-formed and without NUL, whatever comes', () => {
    fc.assert(
      fc.property(anyText, anyText, (key, value) => {
        const parsed = parseJson(JSON.stringify({ [key]: [value] }))
        if (!parsed.ok) return
        const text = JSON.stringify(parsed.value)
        expect(text.includes('\\u0000')).toBe(false)
        expect(toWellFormed(text)).toBe(text)
        expect(/\\ud[89a-f]/.test(text)).toBe(false)
      }),
    )
  })
})

test('a platform without toWellFormed gets the same', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(replaceHalves(text)).toBe(toWellFormed(text))
    }),
  )
})
