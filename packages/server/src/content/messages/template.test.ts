import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileText, type Escape, RENDERED_CHARACTERS_MAX, TemplateError, type TemplateValues } from './template.ts'
import { valuesOfAnn } from './testing.ts'

const render = (source: string, more: Partial<TemplateValues> = {}, escape: Escape = 'none') =>
  compileText(source, escape).render(valuesOfAnn(more))
const problem = (source: string) => {
  try {
    compileText(source, 'none')
  } catch (error) {
    if (error instanceof TemplateError) return error
  }
  return null
}

describe('a template', () => {
  test.each([
    ['{{ userAttribute["First name"] | default: "you" }}', 'you'],
    ['{% if userAttribute.n > 2 %}many{% else %}few{% endif %}', 'few'],
    ['{{ userAttribute.list | join: "+" }}', 'a+b'],
    ['{{ place.country }}{{ nobody }}{{ userAttribute.n.constructor }}{{ value.toString }}', 'DE'],
    ['{% assign today = now %}{{ today | date: "%Y-%m-%d %H:%M" }}', '2026-11-22 01:02'],
    ['{% assign word = "now" %}{{ word | date: "%Y" }}', '2026'],
    ['no place in it { } %} }}', 'no place in it { } %} }}'],
  ])('%s becomes %s', (source, expected) => {
    expect(render(source, { userAttribute: { n: 1, list: ['a', 'b'] }, place: { country: 'DE' } })).toBe(expected)
  })

  test.each([
    ['{{ a', 'output "{{ a" not closed', 1, 1],
    ['x\n  {% if a %}', 'tag {% if a %} not closed', 2, 3],
    ['{{ a | nothing }}', 'undefined filter: nothing', 1, 1],
    ['{% include "/etc/passwd" %}', 'tag "include" not found', 1, 1],
    ['{% render "x" %}', 'tag "render" not found', 1, 1],
    ['{% layout "x" %}', 'tag "layout" not found', 1, 1],
    ['{{ a | sample }}', 'undefined filter: sample', 1, 1],
  ])('%j cannot be read, and says where', (source, reason, line, column) => {
    const found = problem(source)
    expect(found?.message).toContain(reason)
    expect(found?.position).toMatchObject({ line, column })
  })

  test('that is too long is refused', () => {
    expect(problem('x'.repeat(100_001))?.message).toContain('at most 100000 characters')
  })

  test.each([
    '{% for i in (1..900) %}{% for j in (1..900) %}{% for k in (1..900) %}{% endfor %}{% endfor %}{% endfor %}',
    '{% for i in (1..1000000000) %}x{% endfor %}',
    '{% assign a = "0123456789" %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}',
    `{% for i in (1..30000) %}${'0123456789'.repeat(10)}{% endfor %}`,
  ])('that runs away is stopped: %s', (source) => {
    const text = compileText(source, 'none')
    expect(() => text.render(valuesOfAnn())).toThrow(TemplateError)
    expect(RENDERED_CHARACTERS_MAX).toBe(1_000_000)
  })
})

describe('whatever a value is', () => {
  const anything = fc.string({ unit: 'binary' })

  test('in markup it is text, and says what it said', () => {
    fc.assert(
      fc.property(anything, (name) => {
        const html = render('<b title="{{ value.name }}">{{ value.name }}</b>', { value: { name } }, 'html')
        const inside = html.slice('<b title="'.length)
        expect(inside.slice(0, inside.indexOf('">'))).not.toMatch(/["<>]/)
        expect(html.match(/[<>]/g)).toHaveLength(4)
      }),
    )
  })
  test('in an address it is one part of it', () => {
    fc.assert(
      fc.property(anything, (name) => {
        const url = new URL(
          render('https://a.example/x/{{ value.name }}/y?q={{ value.name }}', { value: { name } }, 'url'),
        )
        expect(url.host).toBe('a.example')
        expect(url.hash).toBe('')
        expect([...url.searchParams.keys()]).toEqual(['q'])
      }),
    )
  })
  test('in JSON it is the same text again', () => {
    fc.assert(
      fc.property(anything, (name) => {
        expect(JSON.parse(render('{"a":"{{ value.name }}"}', { value: { name } }, 'json'))).toEqual({ a: name })
      }),
    )
  })
  test('in a header it stays on its line', () => {
    fc.assert(
      fc.property(anything, (name) => {
        expect(render('{{ value.name }}', { value: { name } }, 'line')).not.toMatch(/[\r\n\0]/)
      }),
    )
  })
  test('it is not read as a template', () => {
    const name = '{{ userId }}{% raw %}'
    expect(render('{{ value.name }}', { value: { name } })).toBe(name)
  })
})

test('a text with attributes of the user alone becomes what Liquid makes of it', () => {
  const names = fc.constantFrom('name', 'n', 'size', 'first', '_x', 'constructor', 'toString')
  const place = fc
    .tuple(names, fc.constantFrom('', ' ', '\t '))
    .map(([name, gap]) => `{{${gap}userAttribute.${name}${gap}}}`)
  const source = fc.array(
    fc.oneof(
      place,
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[{}]/g, '|')),
    ),
  )
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
  )
  const escape = fc.constantFrom<Escape>('none', 'url', 'line', 'json', 'html')
  fc.assert(
    fc.property(source, fc.dictionary(names, value), escape, (parts, userAttribute, escape) => {
      const text = parts.join('')
      // A tag that does nothing is enough to have it be Liquid's.
      expect(render(text, { userAttribute }, escape)).toBe(
        render(`${text}{% if nobody %}{% endif %}`, { userAttribute }, escape),
      )
    }),
    { numRuns: 1_000 },
  )
})
