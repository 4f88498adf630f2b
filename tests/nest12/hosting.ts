import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DamsonService } from '@damson/nestjs'
import { mountConformance } from '@damson/server/conformance'
import { toNodeListener } from '@damson/server/node'
import { createTestServer } from '@damson/server/testing'
import type { INestApplication } from '@nestjs/common'
import { describe, expect, test } from 'vitest'
import { FORMATS, installBuilt, loadNest } from './load.ts'
import { adapterOf, PLATFORMS } from './shop.ts'

/** The engine inside an application: a mount like any other, and the application's own client beside it. */
export function nestHosting(major: number, url: string): void {
  const nest = loadNest(url)
  const built = installBuilt(url)
  const { Controller, Get, Module } = nest.common

  const listen = async (app: INestApplication) => {
    await app.listen(0, '127.0.0.1')
    return `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`
  }

  for (const platform of PLATFORMS) {
    mountConformance(`NestJS ${major} on ${platform}`, async (server) => {
      const { damson } = await built('ES module')
      const module = damson.DamsonEngineModule.forRoot({ path: '/api', listener: toNodeListener(server) })
      const app: INestApplication = await nest.core.NestFactory.create(module, adapterOf(nest, platform), {
        logger: false,
      })
      return { origin: await listen(app), close: () => app.close() }
    })
  }

  describe.each(FORMATS)(`NestJS ${major}, %s`, (format) => {
    const cases = PLATFORMS.flatMap((platform) => [true, false].map((isFirst) => ({ platform, isFirst })))
    test.each(cases)('on $platform the engine takes the very last event; imported first: $isFirst', async (given) => {
      const { damson } = await built(format)
      const test = await createTestServer()
      const told: string[] = []
      const server = {
        start: () => test.server.start(),
        drain: () => test.server.drain(),
        async stop() {
          const entries = await test.entries('app_test', 'ann')
          told.push(...entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : [])))
          await test.server.stop()
        },
      }

      @Controller('apiary')
      class PagesController {
        @Get('pages')
        pages() {
          return 'ours'
        }
      }
      const modules = [
        damson.DamsonEngineModule.forRootAsync({
          useFactory: () => ({ path: '/api', listener: toNodeListener(test.server), server }),
        }),
        damson.DamsonModule.forRoot({
          appId: 'app_test',
          clientKey: 'prod_test',
          fetch: test.fetch,
          clock: test.clock,
        }),
      ]
      @Module({ imports: given.isFirst ? modules : modules.toReversed(), controllers: [PagesController] })
      class RootModule {}

      const app: INestApplication = await nest.core.NestFactory.create(RootModule, adapterOf(nest, given.platform), {
        logger: false,
      })
      const origin = await listen(app)
      const tracker = app.get<DamsonService>(damson.getDamsonToken()).for({ userId: 'ann' })
      // As a request does that was still under way: after the first flush, so only an engine that goes last takes it.
      ;(app.getHttpServer() as Server).once('close', () => void tracker.track('Very last'))
      expect((await fetch(`${origin}/api/readyz`)).status).toBe(200)
      expect(await (await fetch(`${origin}/apiary/pages`)).text()).toBe('ours')
      await tracker.track('Last')
      await app.close()
      expect(told).toEqual(['Last', 'Very last'])
    })
  })
}
