import type { IncomingMessage, ServerResponse } from 'node:http'
import { type DynamicModule, Inject, Module, type ModuleMetadata } from '@nestjs/common'
import type { BeforeApplicationShutdown, FactoryProvider, OnApplicationBootstrap } from '@nestjs/common'
import type { OnApplicationShutdown } from '@nestjs/common'
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core'
import { DamsonService } from './damson.service.ts'

type NodeListener = (request: IncomingMessage, response: ServerResponse) => void

export interface EngineOptions {
  /** `toNodeListener(server)` of `@damson/server/node`. */
  readonly listener: NodeListener
  /** The server itself, to be started and stopped with the application. */
  readonly server?: { start(): Promise<void>; drain(): void; stop(): Promise<void> }
  /** Where the API answers, such as `/api`. All below it is the engine's, and no global prefix applies. */
  readonly path: string
}

const ENGINE_OPTIONS = Symbol.for('damson.nestjs.engine')

/** Hosts the engine in a Nest application, on Express and on Fastify: before their body parsers and their limits. */
@Module({})
export class DamsonEngineModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #options: EngineOptions
  readonly #modules: ModulesContainer

  constructor(
    @Inject(ENGINE_OPTIONS) options: EngineOptions,
    @Inject(HttpAdapterHost) { httpAdapter }: HttpAdapterHost,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#options = options
    this.#modules = modules
    const { listener, path } = options
    // An application made for something else than HTTP has no adapter.
    httpAdapter?.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      const [asked = ''] = (request.url ?? '').split('?', 1)
      // `/api-batch` is an old name of `multi` (specification 1.1).
      if (asked === path || asked === `${path}-batch` || asked.startsWith(`${path}/`)) listener(request, response)
      else next()
    })
  }

  static forRoot(options: EngineOptions): DynamicModule {
    return { module: DamsonEngineModule, providers: [{ provide: ENGINE_OPTIONS, useValue: options }] }
  }

  static forRootAsync(
    options: Pick<ModuleMetadata, 'imports'> & Pick<FactoryProvider<EngineOptions>, 'inject' | 'useFactory'>,
  ): DynamicModule {
    const { imports = [], inject = [], useFactory } = options
    return {
      module: DamsonEngineModule,
      imports,
      providers: [{ provide: ENGINE_OPTIONS, inject, useFactory }],
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#options.server?.start()
  }

  beforeApplicationShutdown(): void {
    this.#options.server?.drain()
  }

  /** The engine goes last: clients of this application may still have something to say to it. */
  async onApplicationShutdown(): Promise<void> {
    const providers = [...this.#modules.values()].flatMap((module) => [...module.providers.values()])
    const services = providers.map(({ instance }) => instance).filter((each) => DamsonService.isInstance(each))
    await Promise.all(services.map((service) => service.close()))
    await this.#options.server?.stop()
  }
}
