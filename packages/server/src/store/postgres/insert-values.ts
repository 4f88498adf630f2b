import type { Hot } from './statements.ts'

/** Up to so many rows go into one statement. */
const ROWS_MAX = 16

type Row = Readonly<Record<string, unknown>>

/**
 * New rows of one bucket, each value a parameter. Rows that Citus is given as a text, with `INSERT … SELECT`, it takes to its coordinator
 * and copies from there: that is three times as long, and what fails has lost its code, so nobody can tell that another node
 * was faster.
 * @param columns with their types, the bucket first
 * @param key by which columns rows are written in order; none: as they come
 */
export function insertValues(table: string, columns: string, tail: string, key: readonly string[]): Hot {
  const [, ...others] = columns.split(', ').map((column) => {
    const [name = '', type = ''] = column.split(' ')
    return { name, type }
  })
  const names = ['bucket', ...others.map(({ name }) => name)].join(', ')
  const texts = new Map<number, string>()

  function textFor(count: number): string {
    const known = texts.get(count)
    if (known !== undefined) return known
    let last = 1
    const row = () => `($1::int, ${others.map(({ type }) => `$${(last += 1)}::${type}`).join(', ')})`
    const text = `INSERT INTO ${table} (${names}) VALUES ${Array.from({ length: count }, row).join(', ')}${tail}`
    texts.set(count, text)
    return text
  }

  const hot = (rows: readonly object[], bucket: number) => ({
    name: `damson_insert_${table}_${rows.length}`,
    text: textFor(rows.length),
    values: [bucket, ...(rows as readonly Row[]).flatMap((row) => others.map(({ name }) => row[name] ?? null))],
  })
  const parts = (rows: readonly object[]) => {
    const sorted = key.length === 0 ? rows : (rows as readonly Row[]).toSorted((one, two) => compare(one, two, key))
    const count = Math.ceil(sorted.length / ROWS_MAX)
    return Array.from({ length: count }, (_, index) => sorted.slice(index * ROWS_MAX, (index + 1) * ROWS_MAX))
  }
  return Object.assign(hot, { parts })
}

function compare(one: Row, two: Row, key: readonly string[]): number {
  for (const name of key) {
    const [a, b] = [String(one[name]), String(two[name])]
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}
