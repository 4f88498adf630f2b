import { describe, expect, test } from 'vitest'
import { planContent } from '../plan.ts'
import { readContent } from '../read-content.ts'

const mail = { name: 'Mail', state: 'active', channel: 'email', content: { subject: 'Hello', html: '<p>' } }

/** What is wrong, as `field: reason`. */
function problems(content: unknown): readonly string[] {
  const read = readContent(content)
  if (!read.ok) return read.problems.map(told)
  const plan = planContent(read.content, { documents: new Map() }, 0)
  return plan.ok ? [] : plan.problems.map(told)
}
function told({
  path,
  reason,
  position,
}: {
  path: readonly unknown[]
  reason: string
  position?: { line: number; column: number }
}) {
  return `${path.join('.')}: ${reason}${position === undefined ? '' : ` at ${position.line}:${position.column}`}`
}
const of = (more: object) => problems({ messages: { 7: { ...mail, ...more } } })

describe('a message', () => {
  test('that is right is taken', () => {
    expect(
      of({ when: [{ event: 'e' }], limits: { day: 1 }, holdback: 10, priority: 5, where: 'attribute.a = 1' }),
    ).toEqual([])
  })

  test.each<[object, string]>([
    [{ channel: 'fax' }, 'messages.7.channel: Invalid option'],
    [{ sender: 'x' }, "messages.7.sender: expected no field 'sender' here"],
    [{ audience: 'gold' }, 'messages.7.audience: expected an audience of this content (it has none)'],
    [{ where: 'attribute.' }, 'messages.7.where: expected'],
    [{ category: 3 }, 'messages.7.category: expected a category of this content (it has none), and found 3'],
    [{ template: 'Alert' }, 'messages.7.template: expected no template'],
    [{ channel: 'inApp', content: {} }, 'messages.7.template: expected the template that shows it'],
    [{ start: '2026-02-01', end: '2026-01-01' }, 'messages.7.end: expected an end after the start'],
    [{ holdback: 101 }, 'messages.7.holdback: expected 0 to 100 percent'],
    [{ when: [] }, 'messages.7.when: expected at least one trigger'],
    [{ when: [{ event: 'e', state: 's' }] }, 'messages.7.when.0: expected one of session, event, state and attribute'],
    [{ when: [{ event: 'e', parameter: 'p' }] }, 'messages.7.when.0.parameter: expected parameter and is together'],
    [{ when: [{ attribute: 'a', from: 1 }] }, 'messages.7.when.0.from: expected to where there is from'],
    [{ when: [{ event: 'e', to: 1 }] }, 'messages.7.when.0.to: expected from and to with an attribute only'],
    [{ limits: { day: 0 } }, 'messages.7.limits.day: '],
    [{ limits: { day: 101 } }, 'messages.7.limits.day: '],
    [{ limits: { year: 1 } }, "messages.7.limits.year: expected no field 'year' here"],
    [{ content: { subject: 'Hello' } }, 'messages.7.content.html: '],
    [{ content: { ...mail.content, from: 'x' } }, "messages.7.content.from: expected no field 'from' here"],
    [
      { content: { subject: 'Hello', html: '<p>\n  {{ name' } },
      'messages.7.content.html: expected a template that can be read: output "{{ name" not closed at 2:3',
    ],
    [
      { channel: 'inApp', template: 'Alert', content: { Title: { Text: '{{ a | b }}' } } },
      'messages.7.content.Title.Text: expected a template that can be read: undefined filter: b at 1:1',
    ],
    [
      { channel: 'webhook', content: { url: 'https://{{ userAttribute.host }}/' } },
      'messages.7.content.url: expected http:// or https:// and a host without places in it',
    ],
    [{ channel: 'webhook', content: { url: 'file:///etc/passwd' } }, 'messages.7.content.url: expected http:// or'],
    [
      { channel: 'webhook', content: { url: 'https://a.example{{ x }}/' } },
      'messages.7.content.url: expected http:// or',
    ],
    [{ channel: 'webhook', content: { url: 'https://a@b.example/' } }, 'messages.7.content.url: expected http:// or'],
    [
      { channel: 'webhook', content: { url: 'https://a.example/', headers: { 'a b': 'x' } } },
      'messages.7.content.headers',
    ],
  ])('%j is refused with field and reason: %s', (more, reason) => {
    const found = of(more)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(reason)
  })

  test('that a variant changes is checked as it becomes', () => {
    const test = (messages: object) => ({
      messages: { 7: mail },
      tests: { 5: { name: 't', state: 'running', variants: { 51: { name: 'v', messages } } } },
    })
    expect(problems(test({ 7: { subject: 'Loud' } }))).toEqual([])
    expect(problems(test({ 8: { subject: 'Loud' } }))[0]).toContain(
      'expected a message of this content, but nobody knows 8',
    )
    expect(problems(test({ 7: { html: '{{' } }))[0]).toContain(
      'tests.5.variants.51.messages.7.html: expected a template',
    )
    expect(problems(test({ 7: { title: 'x' } }))[0]).toContain("expected no field 'title' here")
  })

  test('ids are whole numbers; caps are of channels', () => {
    expect(problems({ messages: { one: mail } })[0]).toContain('messages.one: expected an id')
    expect(problems({ categories: { news: { name: 'News' } } })[0]).toContain('expected an id')
    expect(problems({ caps: { fax: { day: 1 } } })[0]).toContain('caps.fax')
    expect(problems({ caps: { push: { day: 1, month: 1 } } })[0]).toContain("expected no field 'month' here")
  })
})
