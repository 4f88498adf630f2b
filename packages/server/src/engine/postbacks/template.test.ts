import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTemplate, type Template, type TemplateValues } from './template.ts'

const RUNS = 100_000

function compiled(text: string): Template {
  const template = compileTemplate(text)
  if (typeof template === 'string') throw new Error(`${text}: ${template}`)
  return template
}

const render = (text: string, values: TemplateValues) => compiled(text).render(values)

describe('a template', () => {
  test('is filled in where its placeholders stand, each value percent-encoded once', () => {
    const text = 'https://h.example/u/{{User ID}}?t={{Trigger time}}&p={{Parameters}}#{{Message event}}'
    expect(render(text, { 'User ID': 'ann b/c?', 'Trigger time': '1', Parameters: '{"a":"%20"}' })).toBe(
      'https://h.example/u/ann%20b%2Fc%3F?t=1&p=%7B%22a%22%3A%22%2520%22%7D#',
    )
  })

  test('has nothing for placeholders nobody knows, spelled exactly', () => {
    const text = 'https://h.example/?a={{user id}}&b={{ User ID }}&c={{Secret}}&d={User ID}&e={{}}'
    expect(render(text, { 'User ID': 'ann' })).toBe('https://h.example/?a=&b=&c=&d={User ID}&e=')
  })

  test.each(['.', '..'])("cannot be led up by the value '%s'", (value) => {
    const { pathname } = new URL(render('https://h.example/a/b/{{User ID}}/c', { 'User ID': value }))
    expect(pathname.split('/')).toHaveLength(5)
    expect(new URL(render('https://h.example/?q={{User ID}}', { 'User ID': value })).searchParams.get('q')).toBe(value)
  })

  test.each([
    'ftp://h.example/',
    'javascript:alert(1)',
    'https:/h.example',
    'https:h.example',
    '//h.example/',
    '/x',
    '',
    'nonsense',
    ' https://h.example/',
    'https://h.example/\n',
    'https://{{User ID}}/',
    'https://h.example{{User ID}}/',
    'https://h.example:{{User ID}}/',
    'https://{{User ID}}@h.example/',
    '{{User ID}}://h.example/',
    'https://h.example\\{{User ID}}',
    'https://user:secret@h.example/{{User ID}}',
    'https://user@h.example/',
    'https://h h.example/',
    `https://h.example/${'x'.repeat(8_192)}`,
  ])('%s is refused', (text) => {
    expect(compileTemplate(text)).toBeTypeOf('string')
  })

  test.each([
    'https://h.example',
    'http://10.0.0.1:8080/x',
    'HTTPS://H.example?{{User ID}}',
    'https://h.example#{{x}}',
  ])('%s is taken', (text) => expect(compileTemplate(text)).toBeTypeOf('object'))
})

// @see the comment of `parseUrl`
test('a host with an umlaut is taken as often as it is asked for', () => {
  const refused = Array.from({ length: 10_000 }, () => compileTemplate('https://ü.example/{{User ID}}'))
  expect(refused.filter((template) => typeof template === 'string')).toEqual([])
})

describe('whatever the values', () => {
  /** Texts that look like something to a URL parser, and any others. */
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom(...'@:/\\?#[]{}.%&=+ \t\n\r0a2eF;,-_~\u3002\uff0f\ud800\udfff'), maxLength: 30 }),
    fc.constantFrom(
      '@evil.example/',
      '//evil.example',
      '\\\\evil.example',
      '/../../..',
      '{{User ID}}',
      '%2e%2e/',
      'x@y:z',
    ),
  )
  const place = fc.constantFrom('/', '/a/', '/a/b/../', '?', '?a=', '#', '/.', '/%2e', '/a/?x=&y=', '/a//')
  const origin = fc.constantFrom(
    'https://h.example',
    'http://h.example:8080',
    'https://[2001:db8::1]',
    'HTTP://Ü.example',
  )

  test(`the origin stays, and so does the number of steps of the path: ${RUNS} of them`, () => {
    fc.assert(
      fc.property(origin, place, hostile, hostile, (start, middle, userId, parameters) => {
        const template = compiled(`${start}${middle}{{User ID}}/{{Parameters}}?p={{Parameters}}`)
        const url = new URL(template.render({ 'User ID': userId, Parameters: parameters }))
        // A step that the template itself begins with a dot is the author's own when nothing is added to it.
        const plain = new URL(template.render({ 'User ID': userId && 'u', Parameters: 'p' }))
        // No `expect`: it would take longer than all the rest.
        const isHome = url.origin === template.origin && url.username === '' && url.password === ''
        return isHome && url.pathname.split('/').length === plain.pathname.split('/').length
      }),
      { numRuns: RUNS },
    )
  })

  test('a receiver reads from the query what was put there', () => {
    const template = compiled('https://h.example/?u={{User ID}}')
    fc.assert(
      fc.property(hostile, (userId) => {
        const found = new URL(template.render({ 'User ID': userId })).searchParams.get('u')
        expect(found).toBe(
          userId.replaceAll(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd'),
        )
      }),
    )
  })
})
