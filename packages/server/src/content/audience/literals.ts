import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import type { Reader } from './reader.ts'
import type { Literal } from './syntax.ts'

const UNITS: Readonly<Record<string, number>> = {
  second: SECOND_MS,
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
}

/** A value: a text in quotes, a number, true or false, `7 days ago`, `date("2026-01-31")`. */
export function literal(reader: Reader): Literal {
  const at = reader.token
  switch (at.kind) {
    case 'text':
      reader.next()
      return { is: 'text', value: at.text }
    case 'number':
      reader.next()
      return agoOrNumber(reader, Number(at.text))
    case 'name':
      if (reader.takeName('true')) return { is: 'boolean', value: true }
      if (reader.takeName('false')) return { is: 'boolean', value: false }
      if (reader.isName('date')) return dateOf(reader)
  }
  throw reader.unexpected('a value: "text", a number, true, false, 7 days ago or date("2026-01-31")')
}

function agoOrNumber(reader: Reader, amount: number): Literal {
  const unit = reader.token.kind === 'name' ? UNITS[reader.token.text.replace(/s$/, '')] : undefined
  if (unit === undefined) return { is: 'number', value: amount }
  reader.next()
  if (!reader.takeName('ago')) throw reader.unexpected("'ago'")
  return { is: 'ago', ms: amount * unit }
}

/** A day means its first moment; a time without a zone is UTC. */
function dateOf(reader: Reader): Literal {
  reader.next()
  reader.expectSymbol('(')
  const at = reader.token
  const at0 = at.kind === 'text' ? isoInstant(at.text) : null
  if (at0 === null) throw reader.unexpected('a date in quotes, such as "2026-01-31" or "2026-01-31T18:00:00Z"')
  reader.next()
  reader.expectSymbol(')')
  return { is: 'instant', at: at0 }
}

const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/

/** The instant of a text of ISO 8601; `null` if it is another. */
export function isoInstant(text: string): number | null {
  const found = ISO.exec(text)
  if (found === null) return null
  const hasTime = text.length > 10
  const at = Date.parse(hasTime && found[1] === undefined ? `${text}Z` : text)
  return Number.isNaN(at) ? null : at
}
