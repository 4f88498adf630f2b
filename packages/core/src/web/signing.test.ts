import { expect, test, vi } from 'vitest'
import { createKeyRing, webKeyRing } from './signing.ts'

const SECRETS = ['the newest secret, long enough by far', 'an older secret, long enough by far']

const RINGS = [
  ['on Node', createKeyRing],
  ['on the edge', webKeyRing],
] as const

test.each(RINGS)('%s the newest secret signs, and those of all are accepted', async (_name, create) => {
  const ring = create(SECRETS)
  const older = create(SECRETS.slice(1))
  const signature = await ring.sign('a text')
  expect(signature).toMatch(/^[\w-]{43}$/)
  expect(await ring.verify('a text', signature)).toBe(0)
  expect(await ring.verify('a text', await older.sign('a text'))).toBe(1)
  expect(await older.verify('a text', signature)).toBe(-1)
})

test.each(RINGS)('%s nothing else passes', async (_name, create) => {
  const ring = create(SECRETS)
  const signature = await ring.sign('a text')
  for (const other of ['', 'AAAA', signature.slice(1), `${signature}A`, `${signature.slice(0, -1)}!`])
    expect(await ring.verify('a text', other)).toBe(-1)
  expect(await ring.verify('another text', signature)).toBe(-1)
})

test('what is signed on the edge is known on Node, and the other way round', async () => {
  const [node, edge] = [createKeyRing(SECRETS), webKeyRing(SECRETS)]
  expect(await edge.sign('ein Stück Käse')).toBe(await node.sign('ein Stück Käse'))
  expect(await node.verify('a text', await edge.sign('a text'))).toBe(0)
  expect(await edge.verify('a text', await node.sign('a text'))).toBe(0)
})

test('on an edge that throws when it is asked for modules of Node, it signs all the same', async () => {
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
    throw new Error('A Node.js API is used (process.getBuiltinModule) which is not supported in the Edge Runtime.')
  })
  const ring = createKeyRing(SECRETS)
  vi.restoreAllMocks()
  expect(await createKeyRing(SECRETS).verify('a', await ring.sign('a'))).toBe(0)
})
