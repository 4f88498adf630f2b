import { createTestServer } from '@damson/server/testing'
import { expect, test } from 'vitest'
import { type Postback, verifyPostback } from './index.ts'

test('a route verifies the postbacks of a real server, and refuses what somebody else signed', async () => {
  const seen: (Postback | string)[] = []
  let secret = ''
  const route = async (request: Request) => {
    try {
      seen.push(await verifyPostback(request, { secrets: [secret], clock: world.clock }))
      return new Response(null, { status: 204 })
    } catch (error) {
      seen.push((error as { code: string }).code)
      return new Response(null, { status: 401 })
    }
  }
  const world = await createTestServer({
    egress: (url, { method = 'GET', headers = {}, body } = {}) =>
      route(new Request(url, { method, headers, ...(typeof body === 'string' && { body }) })),
    masterKeys: ['a master key for tests, thirty-two characters'],
  })
  const { signingSecret } = await world.call('addPostback', { postbackUrl: 'https://shop.example/m?{{Message ID}}' })
  for (const known of [String(signingSecret), `whsec_${btoa('somebody else')}`]) {
    secret = known
    await world.call('track', { userId: 'ann', messageId: 7, event: 'Open' })
    await world.dispatch()
  }
  expect(seen).toMatchObject([{ type: 'message.event', data: { userId: 'ann', messageId: 7 } }, 'POSTBACK_REFUSED'])
  await world.close()
})
