import { describe, expect, test } from 'vitest'
import { createStatements, type Statements } from './statements.ts'

const names = Object.keys(createStatements('bucket', false)) as (keyof Statements)[]
const text = (name: keyof Statements, statements: Statements) => statements[name]([{}], 7).text

describe.each(names)('%s, one bucket at a time', (name) => {
  const statement = text(name, createStatements('bucket', false))
  const isInsert = name.startsWith('insert')

  test('names its bucket, as Citus needs it', () => {
    expect(statement).toMatch(isInsert ? /^INSERT INTO \w+ \(bucket, .* VALUES \(\$1::int, / : /\bbucket = \$2\b/)
    expect(createStatements('bucket', false)[name]([{}], 7).values?.[isInsert ? 0 : 1]).toBe(7)
  })

  test('every table it reads or changes is held to that bucket', () => {
    const tables = [...statement.matchAll(/\b(?:JOIN|UPDATE|DELETE FROM) (\w+)(?: AS)? (\w)\b/g)].map(([, , as]) => as)
    for (const as of tables) expect(statement).toMatch(new RegExp(`\\b${as}\\.bucket = \\$2`))
    // Rows that are selected go through the coordinator of Citus, and their errors lose their codes.
    expect(tables.length === 0).toBe(isInsert)
    expect(statement).not.toMatch(/INSERT.*SELECT/s)
  })

  test('takes no advisory lock, skips no lock, notifies nobody, asks no clock, writes in one place', () => {
    expect(statement).not.toMatch(
      /advisory|SKIP LOCKED|NOTIFY|LISTEN|nextval|now\(\)|current_|clock_timestamp|\bWITH\b/i,
    )
  })
})

test('new rows go in their order, so many into a statement, each row of the bucket', () => {
  const { insertProfiles } = createStatements('bucket', false)
  const rows = Array.from({ length: 20 }, (_, n) => ({ bucket: 7, app_id: 'a', user_id: `u${99 - n}`, tail: n }))
  const parts = insertProfiles.parts?.(rows) ?? []
  expect(parts.map(({ length }) => length)).toEqual([16, 4])
  expect(parts.flat().map((row) => (row as (typeof rows)[number]).user_id)).toEqual(
    rows.map((row) => row.user_id).toSorted(),
  )
  const { text: two, values } = insertProfiles(rows.slice(0, 2), 7)
  expect(two.match(/\(\$1::int, /g)).toHaveLength(2)
  expect(values?.slice(0, 3)).toEqual([7, 'a', 'u99'])
  expect(values).toHaveLength(1 + 2 * 7)
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
