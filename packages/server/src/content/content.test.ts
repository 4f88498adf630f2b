import { describe, expect, test } from 'vitest'
import { emptyProfile } from '../engine/draft.ts'
import type { Profile } from '../engine/profile.ts'
import { decideContent } from './decide.ts'
import { compileContent } from './snapshot.ts'
import { type CodeSource, type ContentSource, NO_CODE, type TestSource } from './source.ts'

const NOW = 1_700_000_000_000
const user = (userId: string, more: Partial<Profile> = {}): Profile => ({ ...emptyProfile(userId, NOW), ...more })

function contentOf(source: ContentSource, code: Partial<CodeSource> = {}) {
  const documents = new Map<string, unknown>([['code', { ...NO_CODE, ...code }]])
  for (const [section, things] of Object.entries(source))
    for (const [name, thing] of Object.entries(things as object)) documents.set(`${section}/${name}`, thing)
  return compileContent(documents)
}

const defaults = {
  title: 'Hello',
  'shop.banner.text': 'Sale',
  'shop.banner.color': 4278190080,
  'shop.sizes': ['S', 'M', 'L'],
}
const gold = user('ann', { attributes: { plan: 'gold' } })
const plain = user('bob')

describe('variables', () => {
  test('without content everybody gets what the code has, as a tree', () => {
    const content = contentOf({}, { defaults })
    expect(decideContent(content, plain, NOW, true).vars).toEqual({
      title: 'Hello',
      shop: { banner: { text: 'Sale', color: 4278190080 }, sizes: ['S', 'M', 'L'] },
    })
    expect(decideContent(content, plain, NOW, false).vars).toEqual({})
  })

  const content = contentOf(
    {
      audiences: { gold: 'attribute.plan = "gold"', early: 'user.created < date("2000-01-01")' },
      variables: {
        title: {
          type: 'string',
          value: 'Welcome',
          values: [
            { audience: 'early', value: 'Hello again', priority: 1 },
            { where: 'attribute.plan is set', value: 'Hello, subscriber', priority: 20 },
            { audience: 'gold', value: 'Hello, golden one', priority: 10 },
          ],
        },
        'shop.banner': { type: 'group', values: [{ audience: 'gold', value: { text: 'For you', extra: true } }] },
        'shop.sizes': { type: 'list', values: [{ audience: 'gold', value: ['S', 'XL', 'L', 'XXL'] }] },
        'shop.banner.color': { type: 'color', value: '#ff8800' },
      },
    },
    { defaults },
  )

  test('a value that was published stands for what the code has, and that of the first fitting audience for both', () => {
    expect(decideContent(content, plain, NOW, true).vars).toMatchObject({ title: 'Welcome' })
    expect(decideContent(content, gold, NOW, true).vars).toEqual({
      title: 'Hello, golden one',
      shop: { banner: { text: 'For you', extra: true, color: 0xffff8800 }, sizes: ['S', 'XL', 'L', 'XXL'] },
    })
  })

  test('without defaults only what differs from the code is told, elements of lists by their place [V-17]', () => {
    expect(decideContent(content, plain, NOW, false).vars).toEqual({
      title: 'Welcome',
      shop: { banner: { color: 0xffff8800 } },
    })
    expect(decideContent(content, gold, NOW, false).vars).toEqual({
      title: 'Hello, golden one',
      shop: { banner: { text: 'For you', extra: true, color: 0xffff8800 }, sizes: { '[1]': 'XL', '[3]': 'XXL' } },
    })
  })

  test('a value by audience that is the code’s own again is no difference', () => {
    const back = contentOf(
      { variables: { title: { type: 'string', value: 'Welcome', values: [{ where: 'everyone', value: 'Hello' }] } } },
      { defaults },
    )
    expect(decideContent(back, plain, NOW, false).vars).toEqual({})
  })

  test('deciding for one leaves the next as they were', () => {
    const before = JSON.stringify(decideContent(content, plain, NOW, true).vars)
    decideContent(content, gold, NOW, true)
    expect(JSON.stringify(decideContent(content, plain, NOW, true).vars)).toBe(before)
  })

  test('a dot after a backslash is part of the name', () => {
    const { vars } = decideContent(contentOf({}, { defaults: { 'a\\.b.c': 1 } }), plain, NOW, true)
    expect(vars).toEqual({ 'a\\.b': { c: 1 } })
  })
})

describe('tests', () => {
  const half: TestSource = {
    name: 'title',
    state: 'running',
    variants: { 51: { name: 'control' }, 52: { name: 'loud', variables: { title: 'HELLO' } } },
  }
  const withTest = (more: Partial<TestSource>) => contentOf({ tests: { 5: { ...half, ...more } } }, { defaults })
  const shown = (content: ReturnType<typeof contentOf>, profile: Profile, now = NOW) => {
    const { variants, vars, entered } = decideContent(content, profile, now, true)
    return { variant: variants[0]?.variant.id, title: vars.title, isNew: entered !== null }
  }
  /** Somebody who gets this variant when they come for the first time. */
  const newcomer = (variant: number) =>
    user(
      Array.from({ length: 100 }, (_, index) => `u${index}`).find(
        (id) => shown(withTest({}), user(id)).variant === variant,
      )!,
    )

  test('who comes for the first time enters, and is given the values of the variant', () => {
    expect(shown(withTest({}), newcomer(51))).toEqual({ variant: 51, title: 'Hello', isNew: true })
    expect(shown(withTest({}), newcomer(52))).toEqual({ variant: 52, title: 'HELLO', isNew: true })
  })

  test('who was given a variant keeps it, whatever the weights say now', () => {
    const before = { ...newcomer(51), variants: { 5: { variantId: 52, at: NOW } } }
    expect(shown(withTest({}), before)).toEqual({ variant: 52, title: 'HELLO', isNew: false })
    expect(shown(withTest({ percent: 0 }), before)).toEqual({ variant: 52, title: 'HELLO', isNew: false })
    expect(shown(withTest({ percent: 0 }), newcomer(52)).variant).toBeUndefined()
  })

  test('who leaves the audience leaves the test, unless it is sticky [V-18]', () => {
    const where = 'attribute.plan = "gold"'
    const inside = { ...gold, variants: { 5: { variantId: 52, at: NOW } } }
    const outside = { ...inside, attributes: {} }
    expect(shown(withTest({ where }), inside).variant).toBe(52)
    expect(shown(withTest({ where }), outside).variant).toBeUndefined()
    expect(shown(withTest({ where, sticky: true }), outside).variant).toBe(52)
    expect(shown(withTest({ where, sticky: true }), { ...outside, variants: {} }).variant).toBeUndefined()
  })

  test('a tester sees their variant, even of a draft, and nothing is told of it', () => {
    const testers = { bob: 52 }
    expect(shown(withTest({ testers, state: 'draft' }), plain)).toEqual({ variant: 52, title: 'HELLO', isNew: false })
    expect(shown(withTest({ testers: {}, state: 'draft' }), plain).variant).toBeUndefined()
  })

  test('a finished test gives its chosen variant to its whole audience, and counts nobody', () => {
    const over = withTest({ state: 'finished', chosenVariant: 52, percent: 1 })
    expect(shown(over, newcomer(51))).toEqual({ variant: undefined, title: 'HELLO', isNew: false })
    expect(shown(withTest({ state: 'finished' }), newcomer(52)).title).toBe('Hello')
  })

  test('nobody enters before its start, and nobody is in it from its end on', () => {
    const timed = withTest({ start: '2023-11-14', end: '2023-11-16T00:00:00Z' })
    const at = (text: string) => shown(timed, newcomer(52), Date.parse(text)).title
    expect(at('2023-11-13T23:59:59.999Z')).toBe('Hello')
    expect(at('2023-11-14T00:00:00Z')).toBe('HELLO')
    expect(at('2023-11-16T00:00:00Z')).toBe('Hello')
  })

  test('a variant beats an audience, and of two tests the one with the lower id [V-16]', () => {
    const all = (title: string): TestSource => ({
      name: title,
      state: 'running',
      variants: { [title.length]: { name: title, variables: { title } } },
    })
    const content = contentOf({
      variables: { title: { type: 'string', values: [{ where: 'everyone', value: 'audience' }] } },
      tests: { 10: all('ten'), 9: all('nine') },
    })
    expect(decideContent(content, plain, NOW, true).vars).toEqual({ title: 'nine' })
  })

  test('audiences of variables see the variant that was entered just now', () => {
    const content = contentOf({
      variables: { title: { type: 'string', values: [{ where: 'test(5) = 52', value: 'in 52' }] } },
      tests: { 5: { ...half, variants: { 52: { name: 'only' } } } },
    })
    expect(decideContent(content, plain, NOW, true).vars).toEqual({ title: 'in 52' })
  })
})
