import { forbidden, notFound, redirect } from 'next/navigation.js'
import { expect, test, vi } from 'vitest'
import { isControlFlow, isRedirect } from './control-flow.ts'

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

test("what Next's own functions throw is known for what it is", () => {
  vi.stubEnv('__NEXT_EXPERIMENTAL_AUTH_INTERRUPTS', 'true')
  expect(isControlFlow(thrownBy(() => redirect('/thanks')))).toBe(true)
  expect(isRedirect(thrownBy(() => redirect('/thanks')))).toBe(true)
  expect(isControlFlow(thrownBy(notFound))).toBe(true)
  expect(isRedirect(thrownBy(notFound))).toBe(false)
  expect(isControlFlow(thrownBy(forbidden))).toBe(true)
})

test('what says that a page cannot be static goes on, too', () => {
  for (const digest of ['DYNAMIC_SERVER_USAGE', 'HANGING_PROMISE_REJECTION', 'NEXT_PRERENDER_INTERRUPTED'])
    expect(isControlFlow(Object.assign(new Error('bailout'), { digest }))).toBe(true)
  expect(isControlFlow(Object.assign(new Error('bailout'), { code: 'NEXT_STATIC_GEN_BAILOUT' }))).toBe(true)
})

test('anything else is an error', () => {
  for (const error of [new Error('NEXT_REDIRECT'), { digest: '1234567' }, { digest: 'NEXT_REDIRECTED' }, null, 'text'])
    expect(isControlFlow(error)).toBe(false)
})
