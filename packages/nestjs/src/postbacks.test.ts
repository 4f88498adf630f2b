import 'reflect-metadata'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createEgress } from '@damson/server'
import { createTestServer } from '@damson/server/testing'
import { Controller, HttpCode, Module, Post, Req, UnauthorizedException } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { expect, test } from 'vitest'
import { type Postback, verifyPostback } from './index.ts'

test.each([
  ['parsed', {}],
  ['parsed, with the raw body beside it', { rawBody: true }],
  ['unread', { bodyParser: false }],
])('a controller verifies the postbacks of a real server: %s', async (_form, options) => {
  const egress = createEgress({ allowHttp: true, allowPrivateDestinations: ['loopback'] })
  const world = await createTestServer({ egress, masterKeys: ['a master key for tests, thirty-two characters'] })
  const seen: (Postback | string)[] = []
  let secret = ''

  @Controller('hooks')
  class HooksController {
    @Post()
    @HttpCode(204)
    async receive(@Req() request: IncomingMessage): Promise<void> {
      try {
        seen.push(await verifyPostback(request, { secrets: [secret], clock: world.clock }))
      } catch (error) {
        seen.push((error as { code: string }).code)
        throw new UnauthorizedException()
      }
    }
  }
  @Module({ controllers: [HooksController] })
  class HooksModule {}

  const app = await NestFactory.create<NestExpressApplication>(HooksModule, { logger: false, ...options })
  await app.listen(0, '127.0.0.1')
  const { port } = app.getHttpServer().address() as AddressInfo
  const postbackUrl = `http://127.0.0.1:${port}/hooks?{{Message ID}}`
  const { signingSecret } = await world.call('addPostback', { postbackUrl })
  for (const known of [String(signingSecret), `whsec_${btoa('somebody else')}`]) {
    secret = known
    await world.call('track', { userId: 'ann', messageId: 7, event: 'Open', params: { b: 1, 2: 'ü' } })
    await world.dispatch()
  }
  expect(seen).toMatchObject([
    { type: 'message.event', data: { userId: 'ann', messageId: 7, parameters: { b: 1, 2: 'ü' } } },
    'POSTBACK_REFUSED',
  ])
  await app.close()
  await world.close()
})
