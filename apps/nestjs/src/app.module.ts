import { type DynamicModule, Module } from '@nestjs/common'
import { LiveGateway } from './live.gateway.ts'
import { ShopController } from './shop.controller.ts'

@Module({ controllers: [ShopController], providers: [LiveGateway] })
export class AppModule {
  /** @param tracking where events go: tests hand over something else than `main.ts`. */
  static with(tracking: DynamicModule[]): DynamicModule {
    return { module: AppModule, imports: tracking }
  }
}
