import { createEgress } from '@damson/server'
import { createTestServer } from '@damson/server/testing'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RequestHandler } from 'express'
import { describe, expect, test } from 'vitest'
import { type Postback, verifyPostback } from './index.ts'
import { VERSIONS } from './test-app.ts'

const egress = createEgress({ allowHttp: true, allowPrivateDestinations: ['loopback'] })

describe.each(VERSIONS)('%s', (_version, express) => {
  const parsers: readonly (readonly [string, RequestHandler | null])[] = [
    ['none', null],
    ['json', express.json()],
    ['text', express.text({ type: '*/*' })],
    ['raw', express.raw({ type: '*/*' })],
    ['urlencoded', express.urlencoded({ extended: true })],
  ]

  test.each(parsers)('a postback of a real server is verified behind the parser: %s', async (_name, parser) => {
    const world = await createTestServer({ egress, masterKeys: ['a master key for tests, thirty-two characters'] })
    let secret = ''
    const seen: (Postback | string)[] = []
    const app = express()
    if (parser !== null) app.use(parser)
    app.post('/m/:user', (request, response) => {
      verifyPostback(request, { secrets: [secret], clock: world.clock }).then(
        (postback) => {
          seen.push(postback)
          response.sendStatus(204)
        },
        (error: { code: string }) => {
          seen.push(error.code)
          response.sendStatus(401)
        },
      )
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const postbackUrl = `http://127.0.0.1:${port}/m/{{User ID}}`
    const { signingSecret } = await world.call('addPostback', { postbackUrl })
    const happen = async () => {
      const params = { text: 'ü & = + %', n: 1.5, ok: true }
      await world.call('track', { userId: 'ann', messageId: 7, event: 'Open', params })
      await world.dispatch()
    }
    secret = String(signingSecret)
    await happen()
    secret = `whsec_${Buffer.from('somebody else').toString('base64')}`
    await happen()
    expect(seen).toMatchObject([
      {
        id: expect.stringMatching(/^msg_/),
        type: 'message.event',
        at: world.clock.now(),
        data: { userId: 'ann', messageId: 7, parameters: { text: 'ü & = + %', n: 1.5, ok: true } },
      },
      'POSTBACK_REFUSED',
    ])
    server.close()
    await world.close()
  })
})
