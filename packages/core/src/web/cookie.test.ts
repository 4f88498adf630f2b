import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { cookieValues } from './cookie.ts'

/** Says what is meant, and takes the header to pieces for it. */
function naiveValues(header: string, name: string): readonly string[] {
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
}

test('every value of the name is found, and nothing inside of other cookies', () => {
  expect(cookieValues('a=1; damson=x; bdamson=2; c=damson=3; damson=y', 'damson')).toEqual(['x', 'y'])
  const piece = fc.constantFrom('damson', '=', ';', ' ', '\t', 'x', 'damson=', '; ', '')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const header = pieces.join('')
      expect(cookieValues(header, 'damson')).toEqual(naiveValues(header, 'damson'))
    }),
    { numRuns: 5_000 },
  )
})
