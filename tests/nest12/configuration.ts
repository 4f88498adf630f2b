import { recordingFetch } from '@damson/core/testing'
import type { DamsonService } from '@damson/nestjs'
import type { DynamicModule, Type } from '@nestjs/common'
import { describe, expect, test } from 'vitest'
import { FORMATS, installBuilt, loadNest } from './load.ts'

const KEYS = { appId: 'app_test', clientKey: 'prod_test' }

/** The ways to set the module up, and what happens when the application ends. */
export function nestConfiguration(major: number, url: string): void {
  const nest = loadNest(url)
  const built = installBuilt(url)
  const { Inject, Module } = nest.common

  async function start(root: Type | DynamicModule) {
    const app = await nest.core.NestFactory.createApplicationContext(root, {
      logger: false,
      abortOnError: false,
    })
    return app.init()
  }

  describe.each(FORMATS)(`NestJS ${major}, %s`, (format) => {
    test.each(['useFactory', 'useClass', 'useExisting'] as const)('forRootAsync takes %s', async (form) => {
      const { damson } = await built(format)
      const server = recordingFetch()

      @Module({ providers: [{ provide: 'KEYS', useValue: KEYS }], exports: ['KEYS'] })
      class ConfigModule {}

      class Maker {
        readonly keys: typeof KEYS
        constructor(@Inject('KEYS') keys: typeof KEYS) {
          this.keys = keys
        }
        createDamsonOptions() {
          return { ...this.keys, fetch: server }
        }
      }

      @Module({ imports: [ConfigModule], providers: [Maker], exports: [Maker] })
      class MakerModule {}

      const forms = {
        useFactory: { inject: ['KEYS'], useFactory: async (keys: typeof KEYS) => ({ ...keys, fetch: server }) },
        useClass: { useClass: Maker },
        useExisting: { useExisting: Maker },
      }
      const imports = [form === 'useExisting' ? MakerModule : ConfigModule]
      const app = await start(damson.DamsonModule.forRootAsync({ imports, ...forms[form] }))
      const service = app.get<DamsonService>(damson.getDamsonToken())
      expect(app.get(damson.DamsonService)).toBe(service)
      await service.for({ userId: 'ann' }).track('Seen')
      await app.close()
      expect(server.taken.map(({ action }) => action)).toEqual(['resumeSession', 'track'])
    })

    test('forRootAsync without any of the three says what is missing', async () => {
      const { damson } = await built(format)
      expect(() => damson.DamsonModule.forRootAsync({})).toThrow(/useFactory, useClass or useExisting/)
    })

    test.each(['forRoot', 'forRootAsync'] as const)(
      '%s: isGlobal reaches modules that import nothing',
      async (form) => {
        const { damson } = await built(format)

        class Reader {
          readonly service: DamsonService
          constructor(@damson.InjectDamson() service: DamsonService) {
            this.service = service
          }
        }
        @Module({ providers: [Reader], exports: [Reader] })
        class FeatureModule {}

        const open = (isGlobal: boolean) => {
          const options = { ...KEYS, fetch: recordingFetch() }
          const module =
            form === 'forRoot'
              ? damson.DamsonModule.forRoot({ ...options, isGlobal })
              : damson.DamsonModule.forRootAsync({ isGlobal, useFactory: () => options })
          @Module({ imports: [module, FeatureModule] })
          class RootModule {}
          return start(RootModule)
        }

        const app = await open(true)
        expect(app.get(Reader).service.client.stats().accepted).toBe(0)
        await app.close()
        await expect(open(false)).rejects.toThrow(/Symbol\(damson\.nestjs\.service:default\)/)
      },
    )

    test('clients with names live side by side, each with its own server', async () => {
      const { damson } = await built(format)
      const [shop, blog] = [recordingFetch(), recordingFetch()]
      @Module({
        imports: [
          damson.DamsonModule.forRoot({ ...KEYS, fetch: shop }),
          damson.DamsonModule.forRoot({ ...KEYS, fetch: blog, name: 'blog' }),
        ],
      })
      class RootModule {}
      const app = await start(RootModule)
      await app.get<DamsonService>(damson.getDamsonToken('blog')).for({ userId: 'ann' }).track('Read')
      await app.close()
      expect([shop.taken.length, blog.taken.length]).toEqual([0, 2])
    })

    test('the service of the other format is the same to whoever asks by token', async () => {
      const [{ damson }, { damson: other }] = [
        await built(format),
        await built(FORMATS.find((each) => each !== format)!),
      ]
      const app = await start(damson.DamsonModule.forRoot({ ...KEYS, fetch: recordingFetch() }))
      const service: unknown = app.get(other.getDamsonToken())
      expect(service).not.toBeInstanceOf(other.DamsonService)
      expect(other.DamsonService.isInstance(service)).toBe(true)
      await app.close()
    })

    test('options can be replaced by their token, and the testing module records events on its own clock', async () => {
      const { damson, testing } = await built(format)
      const kit = testing.DamsonTestingModule.create()
      const module = damson.DamsonModule.forRoot({ ...KEYS, endpoint: 'https://stats.example.com/api' })
      const options = module.providers?.find(
        (provider) => typeof provider === 'object' && 'provide' in provider && 'useValue' in provider,
      )
      expect(options).toMatchObject({ provide: damson.getDamsonOptionsToken() })
      const app = await start(kit.module)
      await app.get<DamsonService>(damson.getDamsonToken()).for({ deviceId: 'd' }).track('Seen')
      expect(await kit.events()).toMatchObject([{ event: 'Seen', deviceId: 'd', time: kit.clock.now() / 1_000 }])
      await app.close()
    })

    test('at the end everything waiting is sent; a client that was handed over stays open for its owner', async () => {
      const { damson, testing } = await built(format)
      const kit = testing.DamsonTestingModule.create()
      const app = await start(kit.module)
      const service = app.get<DamsonService>(damson.getDamsonToken())
      await service.for({ userId: 'ann' }).track('Last')
      expect(kit.server.taken).toEqual([])
      await app.close()
      expect(kit.server.taken).toHaveLength(2)
      await service.for({ userId: 'ann' }).track('Later')
      expect((await kit.events()).map(({ event }) => event)).toEqual(['Last', 'Later'])
    })

    test('an application that ignores signals is told once what it risks, and one that hears them is not', async () => {
      const { damson, testing } = await built(format)
      const warnings: unknown[] = []
      const warn = (message: unknown) => void warnings.push(message)
      const silent = () => undefined
      const said = async (isHooked: boolean) => {
        const kit = testing.DamsonTestingModule.create()
        const app = await nest.core.NestFactory.createApplicationContext(kit.module, {
          logger: { log: silent, error: silent, warn },
        })
        if (isHooked) app.enableShutdownHooks(['SIGTERM'])
        warnings.length = 0
        await app.init()
        await kit.timers.advance(60_000)
        await app.close()
        return [...warnings]
      }
      expect(damson.DamsonModule.name).toBe('DamsonModule')
      const before = process.listeners('SIGTERM')
      for (const listener of before) process.off('SIGTERM', listener)
      try {
        expect(await said(false)).toEqual([expect.stringContaining('app.enableShutdownHooks()')])
        expect(await said(true)).toEqual([])
      } finally {
        for (const listener of before) process.on('SIGTERM', listener)
      }
    })
  })
}
