import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keptTestsOf } from '../content/documents.ts'
import type { Store } from '../store/store.ts'
import { withStore } from './data.ts'
import { finish } from './testing.ts'

let folder: string
let data: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-content-'))
  data = join(folder, 'data')
  await finish(['apps', 'create', '--name', 'Shop', '--app-id', 'shop', '--data', data])
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const written = (text: string, name = 'content.yaml') => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
const content = (action: string, path: readonly string[], stdin = '') =>
  finish(['content', action, ...path, '--data', data], stdin)
const exported = async () => (await content('export', ['--json'])).out

const SHOP = `
audiences:
  gold: attribute.plan = "gold"
variables:
  title:
    type: string
    value: Hello
    values:
      - audience: gold
        value: Hello, golden one
tests:
  5:
    name: Banner
    state: running
    variants:
      51: { name: plain }
      52: { name: loud, variables: { title: HELLO } }
`

describe('damson content apply', () => {
  test('shows a plan, makes it so, and finds nothing to do the second time', async () => {
    const file = written(SHOP)
    const first = await content('apply', [file, '--yes'])
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toContain("The content of 'shop' would change: 3 to add.")
    expect(first.out).toMatch(/\+ audience gold\n.*\+ variable title\n.*\+ test 5\n/s)
    expect(first.out).toMatch(/Done\.$/)
    const before = await exported()
    const second = await content('apply', [file, '--yes'])
    expect(second.out).toBe("The content of 'shop' is as the files say already; there is nothing to do.")
    expect(await exported()).toBe(before)
  })

  test('keeps who said so: a name that is given, or who is logged in', async () => {
    const tests = async () => {
      const read = (store: Store) => store.documents('shop', 'content')
      return keptTestsOf((await withStore({ data }, read)).documents)
    }
    await content('apply', [written(SHOP), '--yes', '--by', 'Ann'])
    expect((await tests())['5']).toMatchObject({ createdBy: 'Ann', publishedBy: 'Ann' })
    vi.stubEnv('USER', 'bob')
    await content('apply', [written(SHOP.replace('loud', 'louder')), '--yes'])
    vi.unstubAllEnvs()
    expect((await tests())['5']).toMatchObject({ createdBy: 'Ann', publishedBy: 'bob' })
  })

  test('names the fields that become different, and removes what a section does not hold any more', async () => {
    await content('apply', [written(SHOP), '--yes'])
    const changed = SHOP.replace('value: Hello\n', 'value: Welcome\n').replace(/tests:.*/s, 'tests: {}\n')
    const { out } = await content('apply', [written(changed), '--yes'])
    expect(out).toContain('1 to change, 1 to remove')
    expect(out).toContain('  ~ variable title\n      value: "Hello" → "Welcome"\n')
    expect(out).toContain('  - test 5')
    await content('apply', [written('audiences: {}\nvariables: {}\n'), '--yes'])
    expect(
      Object.values(JSON.parse(await exported()) as object).every((one) => Object.keys(one as object).length === 0),
    ).toBe(true)
  })

  test('leaves sections alone that the files do not name', async () => {
    await content('apply', [written(SHOP), '--yes'])
    const { out } = await content('apply', [written('audiences:\n  gold: attribute.plan = "gold"\n'), '--yes'])
    expect(out).toContain('there is nothing to do')
  })

  test('changes nothing in a dry run, and nothing unless somebody says yes', async () => {
    const file = written(SHOP)
    const nothing = await exported()
    expect(await content('apply', [file, '--dry-run'])).toMatchObject({ code: 0 })
    expect(await exported()).toBe(nothing)
    expect(await content('apply', [file], 'no\n')).toMatchObject({
      code: 1,
      err: 'damson: nothing was changed. Say yes, or give --yes.',
    })
    expect(await content('apply', [file], '')).toMatchObject({ code: 1 })
    expect(await exported()).toBe(nothing)
    expect(await content('apply', [file], 'yes\n')).toMatchObject({ code: 0 })
    expect(await exported()).not.toBe(nothing)
  })

  test('takes what export printed, as YAML and as JSON, and a folder as one', async () => {
    await content('apply', [written(SHOP), '--yes'])
    for (const [flags, name] of [
      [[], 'again.yaml'],
      [['--json'], 'again.json'],
    ] as const) {
      const { out } = await content('export', flags)
      expect((await content('apply', [written(out, name), '--yes'])).out).toContain('nothing to do')
    }
    const several = join(folder, 'several')
    mkdirSync(join(several, 'inner'), { recursive: true })
    const [audiences, rest] = SHOP.split(/(?=^variables:)/m)
    writeFileSync(join(several, 'a.yml'), audiences!)
    writeFileSync(join(several, 'inner', 'b.yaml'), rest!)
    writeFileSync(join(several, 'README.md'), 'not content')
    expect((await content('apply', [several, '--yes'])).out).toContain('nothing to do')
    writeFileSync(join(several, 'c.yaml'), 'audiences:\n  gold: everyone\n')
    expect((await content('apply', [several, '--yes'])).err).toMatch(/c\.yaml:2:3: audiences\.gold is in .*a\.yml too/)
  })
})

describe('a broken file changes nothing and says line, field and reason', () => {
  const broken = (from: string, to: string) => SHOP.trimStart().replace(from, to)
  test.each([
    ['no YAML', 'audiences: [', 1, 13, ''],
    [
      'an expression',
      broken('= "gold"', '== "gold"'),
      2,
      25,
      'audiences.gold: expected a value: "text", a number, true, false, 7 days ago or date("2026-01-31"), and found \'=\'',
    ],
    ['a quoted expression', "audiences:\n  a: 'evnt.x.count > 1'\n", 2, 7, "found 'evnt'"],
    [
      'an expression of several lines',
      'audiences:\n  a: |\n    everyone and\n      evnt.x.count > 1\n',
      4,
      7,
      "found 'evnt'",
    ],
    [
      'an unknown audience',
      broken('audience: gold', 'audience: silver'),
      8,
      9,
      "variables.title.values[0].audience: expected an audience of this content (gold), and found 'silver'",
    ],
    [
      'a circle',
      'audiences:\n  a: audience.b\n  b: audience.a\n',
      2,
      3,
      "audiences.a: expected no circle, but 'a' leads back to itself",
    ],
    ['an unknown type', broken('type: string', 'type: text'), 5, 5, 'variables.title.type: Invalid option'],
    [
      'another type',
      broken('value: Hello\n', 'value: 5\n'),
      6,
      5,
      'variables.title.value: expected a text, and found 5',
    ],
    [
      'an unknown field',
      broken('    type: string', '    type: string\n    colour: red'),
      6,
      5,
      "variables.title.colour: expected no field 'colour' here",
    ],
    ['an unknown section', 'audience: {}\n', 1, 1, "audience: expected no field 'audience' here"],
    ['an unknown variable', broken('{ title: HELLO }', '{ titel: HELLO }'), 16, 38, "nobody knows 'titel'"],
    [
      'a test without weight',
      broken('{ name: plain }', '{ name: plain, weight: 0 }').replace('name: loud', 'weight: 0, name: loud'),
      14,
      5,
      'expected at least one variant with a weight above 0',
    ],
    ['a test id in words', broken('  5:', '  five:'), 11, 3, 'expected an id: a whole number of at most 16 digits'],
    ['a name that means something', 'audiences:\n  a.__proto__: everyone\n', 2, 3, 'expected another name'],
    ['a list', '- audiences\n', 1, 1, 'expected sections such as variables'],
  ])('%s', async (_, text, line, column, reason) => {
    await content('apply', [written(SHOP), '--yes'])
    const before = await exported()
    const { code, err } = await content('apply', [written(text, 'broken.yaml'), '--yes'])
    expect(code).toBe(1)
    expect(err).toContain(reason)
    expect(/broken\.yaml:(\d+):(\d+): /.exec(err)?.slice(1).map(Number)).toEqual([line, column])
    expect(await exported()).toBe(before)
  })

  test('all problems are told at once, each with its place', async () => {
    const text = broken('audience: gold', 'audience: silver').replace('value: Hello\n', 'value: 5\n')
    const { err } = await content('apply', [written(text), '--yes'])
    expect(err.match(/content\.yaml:\d+:\d+/g)).toHaveLength(2)
  })

  test('a file that is not there, and a folder without content', async () => {
    expect((await content('apply', [join(folder, 'none.yaml'), '--yes'])).err).toMatch(
      /^damson: cannot read .*none\.yaml/,
    )
    expect((await content('apply', [data, '--yes'])).err).toMatch(/^damson: there is no file of YAML or JSON/)
  })
})
