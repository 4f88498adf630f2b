import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { INVALID } from './coerce.ts'
import { wire } from './wire.ts'
import type { Piece } from './wire.ts'

/** Rows of what comes, and what it becomes. */
function table(name: string, piece: Piece<unknown>, rows: readonly (readonly [given: unknown, becomes: unknown])[]) {
  describe(name, () => {
    for (const [given, becomes] of rows)
      test(`${JSON.stringify(given) ?? String(given)} becomes ${becomes === INVALID ? 'invalid' : JSON.stringify(becomes)}`, () => {
        expect(piece.coerce(given)).toStrictEqual(becomes)
      })
  })
}

table('text', wire.text(), [
  ['u1', 'u1'],
  [123456, '123456'],
  [-0, '0'],
  [1.5, '1.5'],
  [true, INVALID],
  [{}, INVALID],
  [['a'], INVALID],
  [Infinity, INVALID],
])

table('float', wire.float(), [
  [9.99, 9.99],
  ['0.0', 0],
  ['1.440091595799E9', 1440091595.799],
  ['-.5', -0.5],
  ['+5.', 5],
  [' 7 ', 7],
  [-0, 0],
  ['-0', 0],
  [Infinity, INVALID],
  ['1e999', INVALID],
  ['0x10', INVALID],
  ['Infinity', INVALID],
  ['NaN', INVALID],
  ['1,5', INVALID],
  ['.', INVALID],
  ['  ', INVALID],
  ['1 2', INVALID],
  [true, INVALID],
  [[1], INVALID],
])

table('integer', wire.integer(), [
  ['6678706135760896', 6678706135760896],
  [3, 3],
  ['3.0', 3],
  [3.5, INVALID],
  ['9007199254740993', INVALID],
])

table('boolean', wire.boolean(), [
  [true, true],
  ['TRUE', true],
  ['True', true],
  ['1', true],
  [1, true],
  [0, false],
  ['0', false],
  ['false', false],
  ['FALSE', false],
  ['yes', INVALID],
  [2, INVALID],
  [{}, INVALID],
])

table('instant', wire.instant(), [
  [1700000000, 1_700_000_000_000],
  ['1505372950.123', 1_505_372_950_123],
  ['1505372950.123456', 1_505_372_950_123],
  ['1.440091595799E9', 1_440_091_595_799],
  [0, 0],
  [-0.0001, 0],
  [-5, -5000],
  [Infinity, INVALID],
  [8.64e12 + 1, INVALID],
  ['2017-09-14T07:09:10Z', INVALID],
  ['today', INVALID],
])

table('id', wire.id(), [
  [123456, '123456'],
  ['x'.repeat(400), 'x'.repeat(400)],
  ['x'.repeat(401), INVALID],
])

table('object', wire.object(), [
  [{ a: 1 }, { a: 1 }],
  ['{"plan":"a"}', { plan: 'a' }],
  ["{'Interests': ['Technology', 'Music']}", { Interests: ['Technology', 'Music'] }],
  [`{'a': "it's", 'b': 'say "x"', 'c': 'it\\'s'}`, { a: "it's", b: 'say "x"', c: "it's" }],
  [`{'ä\\n': '\\\\', "b": 'ü"'}`, { 'ä\n': '\\', b: 'ü"' }],
  ["{'a\\", INVALID],
  ['  {"a":1}', { a: 1 }],
  ['[1]', INVALID],
  ['{"a":', INVALID],
  ['{a}', INVALID],
  ['{"__proto__":{"x":1}}', INVALID],
  ['{"a":"\\u0000"}', INVALID],
  ['[]', INVALID],
  [[], INVALID],
  ['word', INVALID],
  [5, INVALID],
])

table('list', wire.list(), [
  [
    [1, 'a'],
    [1, 'a'],
  ],
  ['[1,"a"]', [1, 'a']],
  ["['a','b']", ['a', 'b']],
  ['[Push Notification, In-app Message]', ['Push Notification', 'In-app Message']],
  ['[Jimmy, Sara, Amy]', ['Jimmy', 'Sara', 'Amy']],
  ['Jimmy,Sara', ['Jimmy', 'Sara']],
  ['Email', ['Email']],
  ['[]', []],
  ['[a', ['a']],
  [5, [5]],
  [false, [false]],
  ['{"a":1}', INVALID],
  [{}, INVALID],
  ['['.repeat(40) + ']'.repeat(40), INVALID],
  [','.repeat(30_000), INVALID],
])

table('list of texts', wire.stringList(), [
  [
    [1, 'a', null],
    ['1', 'a'],
  ],
  [[{}], INVALID],
])
table('list of integers', wire.integerList(), [
  ['[1, 2]', [1, 2]],
  ['1,2', [1, 2]],
  [
    ['1', 2],
    [1, 2],
  ],
  ['a', INVALID],
])
table('list of objects', wire.objectList(), [
  ['[{"deviceId":"d1"}]', [{ deviceId: 'd1' }]],
  [['{"deviceId":"d1"}'], [{ deviceId: 'd1' }]],
  [[1], INVALID],
])

table('choice', wire.choice(['active', 'passive']), [
  ['active', 'active'],
  ['Active', INVALID],
  [1, INVALID],
])
table('choice in any case', wire.choice(['IP', 'GPS'], { anyCase: true }), [
  ['gps', 'GPS'],
  ['cell', INVALID],
])
table('list of choices', wire.choiceList(['Email', 'Push Notification']), [
  ['Email', ['Email']],
  ['[Email, Push Notification]', ['Email', 'Push Notification']],
  [['Email', 'Fax'], INVALID],
])

table('parameters', wire.flatParams(), [
  [
    { a: 'x', b: 1, c: true },
    { a: 'x', b: 1, c: true },
  ],
  ['{"a":1}', { a: 1 }],
  [
    { a: { b: [1] }, c: [1, 2] },
    { a: '{"b":[1]}', c: '[1,2]' },
  ],
  [{ a: null, b: '' }, { b: '' }],
  [{ a: -0 }, { a: 0 }],
  [{ a: Infinity }, INVALID],
  [[], INVALID],
])

table('attributes', wire.attributes(), [
  [
    { a: null, b: [1, 'x', null], c: 'y' },
    { a: null, b: [1, 'x'], c: 'y' },
  ],
  [
    { a: { b: 1 }, c: [{ d: 1 }] },
    { a: '{"b":1}', c: ['{"d":1}'] },
  ],
  [{ a: [Infinity] }, INVALID],
  ['{"plan":"a"}', { plan: 'a' }],
])

table('JSON text', wire.jsonText(), [
  ['{"endpoint":"e"}', '{"endpoint":"e"}'],
  [{ endpoint: 'e' }, '{"endpoint":"e"}'],
  [5, '5'],
  [true, INVALID],
])

const every = Object.entries({ ...wire, choice: () => wire.choice(['a']), choiceList: () => wire.choiceList(['a']) })

describe('all pieces', () => {
  test('take any JSON value, native or as text, without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const [, make] of every) {
          make().coerce(value)
          make().coerce(JSON.stringify(value))
        }
      }),
    )
  })

  test('take any text without an exception', () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'{}[],:\'"\\ 1eau0') }))
    fc.assert(
      fc.property(texts, (text) => {
        for (const [, make] of every) make().coerce(text)
      }),
    )
  })

  test('leave prototypes alone', () => {
    const polluted = fc.string().map((text) => `{"__proto__":{"polluted":${JSON.stringify(text)}}}`)
    fc.assert(
      fc.property(polluted, (text) => {
        const native: unknown = JSON.parse(text)
        for (const [, make] of every) {
          make().coerce(native)
          make().coerce(text)
        }
        expect('polluted' in {}).toBe(false)
      }),
    )
  })

  test('read a number the same way as a number and as text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (number) => {
        for (const piece of [wire.float(), wire.integer(), wire.instant(), wire.id()])
          expect(piece.coerce(String(number))).toStrictEqual(
            Number.isFinite(number) || piece.schema.type !== 'string' ? piece.coerce(number) : String(number),
          )
      }),
    )
  })

  test('read an object the same way as an object and as JSON text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue()), (object) => {
        const clean: unknown = JSON.parse(JSON.stringify(object))
        for (const piece of [wire.object(), wire.flatParams(), wire.attributes()]) {
          const fromText = piece.coerce(JSON.stringify(object))
          if (fromText !== INVALID) expect(fromText).toStrictEqual(piece.coerce(clean))
        }
      }),
    )
  })
})
