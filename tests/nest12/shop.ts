import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Tracker } from '@damson/core'
import type { Session } from '@damson/core/session'
import type { Carrier, DamsonService } from '@damson/nestjs'
import type { ApolloDriverConfig } from '@nestjs/apollo'
import type { ExecutionContext, INestApplication } from '@nestjs/common'
import type { Built, Nest } from './load.ts'

export const PLATFORMS = ['Express', 'Fastify'] as const
export type Platform = (typeof PLATFORMS)[number]

export type Shop = Awaited<ReturnType<typeof openShop>>

export function adapterOf(nest: Nest, platform: Platform) {
  return platform === 'Express' ? new nest.express.ExpressAdapter() : new nest.fastify.FastifyAdapter()
}

/** An application that is reached in every way there is, with who came in the header `x-user`. */
export async function openShop(nest: Nest, { damson, terminus, testing: kit }: Built, platform: Platform) {
  const { Controller, Get, Inject, Injectable, Module, Param, Post } = nest.common
  const { ResolveField, Resolver, Query } = nest.graphql
  const { CurrentSession, CurrentTracker, DamsonGateway, InjectDamson, Track } = damson

  @Injectable()
  class Till {
    /** Knows nothing of requests. */
    @Track('Purchase', {
      value: (price: number) => price,
      currencyCode: 'EUR',
      params: (_price: number, item: string) => ({ item }),
    })
    async sell(_item: string): Promise<number> {
      await new Promise((resolve) => setImmediate(resolve))
      return 12.5
    }

    @Track('Refund')
    async refund(): Promise<void> {
      throw new Error('the till is empty')
    }
  }

  @Controller()
  class ShopController {
    readonly till: Till
    readonly service: DamsonService
    constructor(@Inject(Till) till: Till, @InjectDamson() service: DamsonService) {
      this.till = till
      this.service = service
    }

    @Track('Seen')
    @Get('items/:item')
    see(@Param('item') item: string, @CurrentTracker() tracker: Tracker | null) {
      return { item, deviceId: tracker?.deviceId ?? null, userId: tracker?.userId ?? null }
    }

    @Post('items/:item')
    async buy(@Param('item') item: string, @CurrentSession() session: Session | null) {
      const price = await this.till.sell(item)
      return { price, phase: session?.phase, same: this.service.session?.phase }
    }

    @Post('sign-out')
    async signOut() {
      await this.service.logout()
      return {}
    }

    @Post('refunds')
    async refund() {
      await this.till.refund().catch(() => undefined)
      return {}
    }

    /** Gives way in the middle, so that requests interleave. */
    @Get('who/:user')
    async who(@Param('user') user: string) {
      const before = this.service.tracker?.userId
      await new Promise((resolve) => setImmediate(resolve))
      await this.service.track('Asked', { by: user })
      return { before, after: this.service.tracker?.userId }
    }

    @Get('rising')
    @Track('Risen', { value: (last: number) => last })
    rising() {
      return nest.rxjs.of(1, 2, 3)
    }
  }

  @Resolver('Person')
  class PersonResolver {
    @Query('me')
    @Track('Me')
    me() {
      return {}
    }

    @Query('again')
    again() {
      return {}
    }

    /** Runs outside of any interceptor. */
    @ResolveField('userId')
    userId(@CurrentTracker() tracker: Tracker | null) {
      return tracker?.userId
    }
  }

  @nest.websockets.WebSocketGateway({ path: '/live' })
  class LiveGateway extends DamsonGateway {
    constructor(@InjectDamson() service: DamsonService) {
      super(service)
    }

    @nest.websockets.SubscribeMessage('like')
    @Track('Liked')
    like(@CurrentTracker() tracker: Tracker | null) {
      return { event: 'liked', data: tracker?.userId }
    }
  }

  @Controller()
  class ParcelController {
    @nest.microservices.MessagePattern('parcel.sent')
    @Track('Sent')
    sent(@CurrentTracker() tracker: Tracker | null) {
      return tracker?.userId
    }
  }

  @Controller('health')
  class HealthController {
    readonly health: InstanceType<Nest['terminus']['HealthCheckService']>
    readonly indicator: InstanceType<Built['terminus']['DamsonHealthIndicator']>
    constructor(
      @Inject(nest.terminus.HealthCheckService) health: HealthController['health'],
      @Inject(terminus.DamsonHealthIndicator) indicator: HealthController['indicator'],
    ) {
      this.health = health
      this.indicator = indicator
    }

    @Get()
    check() {
      return this.health.check([() => this.indicator.isHealthy('damson')])
    }
  }

  class UserGuard {
    canActivate(context: ExecutionContext) {
      const request =
        context.getType<string>() === 'graphql'
          ? context.getArgByIndex<{ req: RequestWithUser }>(2).req
          : context.switchToHttp().getRequest<RequestWithUser>()
      if (context.getType() !== 'rpc' && context.getType() !== 'ws')
        request.user = request.headers['x-user'] === undefined ? undefined : { id: request.headers['x-user'] }
      return true
    }
  }

  const testing = kit.DamsonTestingModule.create({
    isGlobal: true,
    beacon: true,
    secrets: ['a secret of thirty-two characters'],
    ignore({ request }: Carrier) {
      const { url }: { readonly url?: string } = request ?? {}
      return url === '/health'
    },
    identify: ({ kind, user, headers, data }) => {
      if (kind === 'rpc') return (data as { userId: string }).userId
      return kind === 'ws' ? headers.get('x-user') : (user as { id: string } | undefined)?.id
    },
  })

  @Module({
    imports: [
      testing.module,
      nest.terminus.TerminusModule.forRoot({ logger: false }),
      nest.graphql.GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: nest.apollo.ApolloDriver,
        typeDefs: 'type Query { me: Person, again: Person } type Person { userId: String }',
        // The name Apollo's context has on both platforms, as Nest's guides advise.
        context: (first: { req?: unknown; raw?: unknown }) => ({ req: first.raw === undefined ? first.req : first }),
        playground: false,
      }),
    ],
    controllers: [ShopController, ParcelController, HealthController],
    providers: [
      Till,
      PersonResolver,
      LiveGateway,
      terminus.DamsonHealthIndicator,
      { provide: nest.core.APP_GUARD, useClass: UserGuard },
    ],
  })
  class ShopModule {}

  const app: INestApplication = await nest.core.NestFactory.create(ShopModule, adapterOf(nest, platform), {
    logger: false,
    abortOnError: false,
  })
  app.useWebSocketAdapter(new nest.ws.WsAdapter(app))
  const tcp = { host: '127.0.0.1', port: await freePort() }
  app.connectMicroservice({ transport: nest.microservices.Transport.TCP, options: tcp }, { inheritAppConfig: true })
  await app.startAllMicroservices()
  await app.listen(0, '127.0.0.1')
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address()
  return { app, testing, origin: `http://127.0.0.1:${port}`, live: `ws://127.0.0.1:${port}/live`, tcp }
}

interface RequestWithUser {
  readonly headers: Readonly<Record<string, string | undefined>>
  user?: unknown
}

/** A microservice does not tell which port it was given. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
