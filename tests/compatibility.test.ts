import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const lines = readFileSync(`${root}docs/compatibility.md`, 'utf8').split('\n')
const rows = lines
  .filter((line) => /^\| [A-Z]-\d\d /.test(line))
  .map((line) => {
    const [, id, behaviour, basis, section, proof] = line
      .split(' | ')
      .map((cell) => cell.replace(/^\| | \|$/g, '').trim())
    return { id: line.slice(2, 6), behaviour: id, basis: behaviour, section: basis, proof: section ?? proof ?? '' }
  })

describe('the table of compatibility', () => {
  test('has rows, each id once', () => {
    expect(rows.length).toBeGreaterThan(60)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  })

  test.each(rows)('$id names a basis, and a test that is there', ({ id, basis, proof }) => {
    expect(basis).toMatch(/documented|observed|assumed/)
    const found = /^`(?<file>[^`]+)` (?:\[(?<tag>[^\]]+)\]|"(?<name>.+)")$/.exec(proof)?.groups
    expect(found, `cannot read: ${proof}`).toBeDefined()
    const { file, tag, name } = found!
    expect(existsSync(root + file), `${file} is not there`).toBe(true)
    expect(tag ?? id).toBe(id)
    expect(readFileSync(root + file, 'utf8')).toContain(tag === undefined ? name : `[${tag}]`)
  })
})
