import { describe, expect, test } from 'vitest'
import { createStatements, type Statements } from './statements.ts'

const names = Object.keys(createStatements('bucket', false)) as (keyof Statements)[]
const text = (name: keyof Statements, statements: Statements) => statements[name]([], 7).text

describe.each(names)('%s, one bucket at a time', (name) => {
  const statement = text(name, createStatements('bucket', false))

  test('names its bucket, as Citus needs it', () => {
    expect(statement).toMatch(/\bbucket = \$2\b/)
    expect(createStatements('bucket', false)[name]([], 7).values).toEqual(['[]', 7])
  })

  test('every table it reads or changes is held to that bucket', () => {
    const tables = [...statement.matchAll(/\b(?:JOIN|UPDATE|DELETE FROM) (\w+)(?: AS)? (\w)\b/g)].map(([, , as]) => as)
    for (const as of tables) expect(statement).toMatch(new RegExp(`\\b${as}\\.bucket = \\$2`))
    if (tables.length === 0)
      expect(statement).toMatch(/^INSERT INTO \w+ \(bucket, .*SELECT \$2::int, .*WHERE given\.bucket = \$2/s)
  })

  test('takes no advisory lock, skips no lock, notifies nobody, asks no clock, writes in one place', () => {
    expect(statement).not.toMatch(
      /advisory|SKIP LOCKED|NOTIFY|LISTEN|nextval|now\(\)|current_|clock_timestamp|\bWITH\b/i,
    )
  })
})

test('rows are locked in the order of their keys', () => {
  for (const width of ['bucket', 'any'] as const) {
    const all = names.map((name) => text(name, createStatements(width, true)))
    for (const statement of all.filter((one) => one.includes('FOR UPDATE')))
      expect(statement).toMatch(/ORDER BY \w\.bucket/)
  }
})

test('SKIP LOCKED is for claiming alone', () => {
  const withIt = names.filter((name) => text(name, createStatements('any', true)).includes('SKIP LOCKED'))
  expect(withIt).toEqual(['claimDeliveries'])
})
