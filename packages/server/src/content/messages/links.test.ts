import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PICTURE, withAddresses } from './links.ts'
import { compileText, TEMPLATE_CHARACTERS_MAX } from './template.ts'
import { valuesOfAnn } from './testing.ts'
import { UNSUBSCRIBE_PLACEHOLDER } from './values.ts'

const values = (value: Readonly<Record<string, unknown>> = {}) =>
  valuesOfAnn({ value, unsubscribeUrl: UNSUBSCRIBE_PLACEHOLDER })

/** A mail as it is sent: its HTML with `#0`, `#1`… for what is tracked, without the picture; and where those lead. */
function sent(source: string, value?: Readonly<Record<string, unknown>>): readonly [string, readonly string[]] {
  const links: string[] = []
  const html = compileText(source, 'mail').render(values(value), links)
  const places = links.map((_, index) => `#${index}`)
  return [withAddresses(html, null, places), links]
}

describe('a link in a mail is tracked', () => {
  test.each([
    ['in double quotes', '<a href="https://a.example/?x=1&amp;y=2">A</a>', 'https://a.example/?x=1&y=2'],
    ['in single quotes', "<a href='https://a.example/?q=\"'>A</a>", 'https://a.example/?q=%22'],
    ['in none', '<a href=https://a.example>A</a>', 'https://a.example/'],
    ['among other attributes', '<A\r\n class=b HREF = "HTTPS://A.example/" id=c>A</A>', 'https://a.example/'],
    ['in an image map', '<map><area href="http://a.example/b"></map>', 'http://a.example/b'],
    ['badly nested', '<p><a href="https://a.example/"><b>A<p>B</a>C</b>', 'https://a.example/'],
    ['in a table without its beginning', '<tr><td><a href="https://a.example/">A</a></td></tr>', 'https://a.example/'],
    ['where no script runs', '<body><noscript><a href="https://a.example/">A</a></noscript>', 'https://a.example/'],
    ['behind characters outside of ASCII', '<p>😀 ü <a href="https://a.example/ü">A</a>', 'https://a.example/%C3%BC'],
  ])('that stands %s [O-16]', (_name, source, url) => {
    const [html, links] = sent(source)
    expect(links).toEqual([url])
    expect(html).toMatch(/href="#0"/)
    expect(html.replace(/href="#0"/, 'H')).toBe(source.replace(/href\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/i, 'H'))
  })

  test.each([
    [
      'a value',
      '<a href="https://a.example/{{ value.id }}?q={{ value.q | url_encode }}">A</a>',
      'https://a.example/7?q=a%26b',
    ],
    ['a value whose name is in the same quotes', '<a href="{{ value["url"] }}">A</a>', 'https://b.example/?x=1&y=2'],
    ['an older spelling', '<a href="{{Value "url"}}">A</a>', 'https://b.example/?x=1&y=2'],
    ['no quotes', '<a href={{ value["url"] }} class=c>A</a>', 'https://b.example/?x=1&y=2'],
    [
      'a condition',
      '<a href="{% if value.id > 5 %}https://more.example{% else %}https://less.example{% endif %}">',
      'https://more.example/',
    ],
    [
      'a condition around it',
      '{% if value.id < 5 %}<a href="https://no.example">{% else %}<a href="https://yes.example">{% endif %}',
      'https://yes.example/',
    ],
    ['a tag before it', '<a {% if value.id %}class="b"{% endif %} href="https://a.example/">', 'https://a.example/'],
    [
      'what was assigned before',
      '{% assign base = "https://a.example" %}<a href="{{ base }}/b">',
      'https://a.example/b',
    ],
    [
      'text that is no template',
      '<a href="{% raw %}https://a.example/{{x}}{% endraw %}">',
      'https://a.example/%7B%7Bx%7D%7D',
    ],
  ])('that is made of %s [O-16]', (_name, source, url) => {
    const [html, links] = sent(source, { id: 7, q: 'a&b', url: 'https://b.example/?x=1&y=2' })
    expect(links).toEqual([url])
    expect(html).toContain('href="#0"')
  })

  test('each time it comes, counted as it stands in the mail [O-16]', () => {
    const source =
      '<a href="https://first.example">1</a>{% for one in value.items %}<a href="https://a.example/{{ one }}">x</a>{% endfor %}'
    const [html, links] = sent(source, { items: ['b', 'c'] })
    expect(links).toEqual(['https://first.example/', 'https://a.example/b', 'https://a.example/c'])
    expect(html.match(/#\d/g)).toEqual(['#0', '#1', '#2'])
  })
})

describe('what is left as it is', () => {
  test.each([
    '<a href="mailto:help@a.example?subject=A&amp;body=B">A</a>',
    '<a href="tel:+4930123">A</a>',
    '<a href="#top">A</a>',
    '<a href="/shop">A</a>',
    '<a href="//a.example">A</a>',
    '<a href="javascript:alert(1)">A</a>',
    '<a href="https://">A</a>',
    `<a href="https://a.example/${'x'.repeat(2_000)}">A</a>`,
    '<a href="https://a.example/" clicktracking=off>A</a>',
    '<a name="https://a.example/">A</a>',
    '<link href="https://a.example/a.css" rel="stylesheet">',
    '<img src="https://a.example/a.png">',
    '<!-- <a href="https://a.example/">A</a> -->',
    '<p>&lt;a href="https://a.example/"&gt; https://a.example/</p>',
    '<style>a[href="https://a.example/"] { color: red }</style>',
    'no HTML, just https://a.example/',
  ])('%s [O-16]', (source) => {
    expect(sent(source)).toEqual([source, []])
  })

  test('the link to unsubscribe [O-16]', () => {
    expect(sent('<a href="{{ unsubscribeUrl }}">')).toEqual([`<a href="${UNSUBSCRIBE_PLACEHOLDER}">`, []])
  })

  test('what values turn into something else than an address of the web [O-16]', () => {
    expect(sent('<a href="{{ value.to }}">A</a>', { to: 'mailto:"a"@b.example' })).toEqual([
      '<a href="mailto:&quot;a&quot;@b.example">A</a>',
      [],
    ])
  })

  test('a condition that begins in an address and ends elsewhere [O-16]', () => {
    const source = '<a href="{% if value.x %}https://a.example">A{% else %}https://b.example">B{% endif %}</a>'
    expect(sent(source)).toEqual(['<a href="https://b.example">B</a>', []])
    const unquoted = '<a href=https://a.example/{% if value.x %}b{% endif %}>A</a>'
    expect(sent(unquoted, { x: 1 })).toEqual(['<a href=https://a.example/b>A</a>', []])
    expect(sent('<a href=https://a.example/ {{- value.x }}>', { x: 1 })).toEqual(['<a href=https://a.example/1>', []])
  })

  test('what a template shows of itself [O-16]', () => {
    const source =
      '{% raw %}<a href="https://a.example/{{x}}">{% endraw %}{% comment %}<a href="https://b.example">{% endcomment %}'
    expect(sent(source)).toEqual(['<a href="https://a.example/{{x}}">', []])
  })

  test('links after the thousandth [O-16]', () => {
    const [html, links] = sent('<a href="https://a.example/">'.repeat(1_001))
    expect(links).toHaveLength(1_000)
    expect(html).toContain('<a href="#999"><a href="https://a.example/">')
  })
})

describe('the picture that tells that a mail was opened', () => {
  test.each([
    ['<html><body>A</body></html>', `<html><body>A${PICTURE}</body></html>`],
    ['<p>A', `<p>A${PICTURE}`],
    [
      '{% if value.x %}{% endif %}<body><a name="</body>">A</a></body>',
      `<body><a name="</body>">A</a>${PICTURE}</body>`,
    ],
  ])('is the last of its body: %s [O-15]', (source, expected) => {
    const links: string[] = []
    expect(compileText(source, 'mail').render(values(), links)).toBe(expected)
    expect(withAddresses(expected, 'https://d.example/?a&b', [])).toContain('<img src="https://d.example/?a&amp;b" ')
  })
})

test('what users are called makes no link of ours [O-18]', () => {
  const name = `"><a href="https://evil.example"> https://link.invalid/0/ https://link.invalid/1/ ${PICTURE}`
  const [html, links] = sent('<a href="https://a.example">{{ value.name }}</a>', { name })
  expect(links).toEqual(['https://a.example/'])
  expect(html).toContain(' #0 https://link.invalid/1/ &lt;img')
  expect(html.match(/<a /g)).toHaveLength(1)
})

test('marking a template takes little time, however many links it has', () => {
  const source = '<a href=http://a.b>'.repeat(TEMPLATE_CHARACTERS_MAX / 20)
  expect(sent(source)[1]).toHaveLength(1_000)
})

const pieces = fc.constantFrom(
  '<a href="https://a.example/',
  '<a href=https://b.example/',
  "<a href='{{ value.url }}'",
  '{% if value.x %}',
  '{% else %}',
  '{% endif %}',
  '{% for i in (1..2) %}',
  '{% break %}',
  '{% endfor %}',
  '{% raw %}',
  '{% endraw %}',
  '{% comment %}',
  '{% endcomment %}',
  '{{- value["q"] -}}',
  '</body>',
  '<body>',
  '</a>',
  '<!--',
  '-->',
  '"',
  "'",
  '>',
  ' ',
  'ü\r\n',
)

test('a template that can be read can be marked, and says what it said before [O-16]', () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 16 }), fc.boolean(), (parts, x) => {
      const source = parts.join('')
      const given = values({ url: 'https://c.example/', q: 'q', ...(x && { x }) })
      let plain: string
      try {
        plain = compileText(source, 'html').render(given)
      } catch {
        return
      }
      const [html, links] = sent(source, given.value)
      const back = html.replaceAll(/href="#(\d+)/g, (_, index: string) => `href="${decoded(links[Number(index)]!)}`)
      expect(loose(back)).toBe(loose(plain))
    }),
    { numRuns: 3_000 },
  )
})

/** Quotes around addresses may come, and addresses get the slash that browsers give them. */
function loose(html: string): string {
  return html.replaceAll(/["']|&quot;|&#3[49];|\/(?=["'\s>]|$)|\s|&gt;|&lt;|[<>]/gi, '')
}

function decoded(url: string): string {
  return url.replaceAll(/(?:%[\dA-F]{2})+/g, decodeURIComponent)
}
