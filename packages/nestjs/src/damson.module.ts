import { DamsonError } from '@damson/core'
import { type DynamicModule, Module, type Provider } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { DamsonBeaconController } from './beacon.controller.ts'
import { DamsonInterceptor } from './damson.interceptor.ts'
import { DamsonService } from './damson.service.ts'
import type { DamsonAsyncOptions, DamsonOptions, DamsonOptionsFactory, ModuleExtras } from './options.ts'
import { DEFAULT_NAME, getDamsonOptionsToken, getDamsonToken } from './tokens.ts'

/** Sessions and events for an application: a client, its service, and an interceptor that knows the visitor. */
@Module({})
export class DamsonModule {
  static forRoot<E extends object>(options: DamsonOptions<E> & ModuleExtras): DynamicModule {
    return dynamicModule(options, [{ provide: getDamsonOptionsToken(options.name), useValue: options }])
  }

  /** `name`, `isGlobal` and `interceptor` stand beside the factory: the module's shape cannot wait for it. */
  static forRootAsync<E extends object>(options: DamsonAsyncOptions<E>): DynamicModule {
    const { imports = [], extraProviders = [] } = options
    return { ...dynamicModule(options, [...extraProviders, ...asyncProviders(options)]), imports: [...imports] }
  }
}

function dynamicModule(extras: ModuleExtras, optionProviders: readonly Provider[]): DynamicModule {
  const { name = DEFAULT_NAME, isGlobal = false, interceptor = true, beacon = false } = extras
  const token = getDamsonToken(name)
  const providers: Provider[] = [
    ...optionProviders,
    {
      provide: token,
      inject: [getDamsonOptionsToken(name)],
      useFactory: (options: DamsonOptions) => new DamsonService(name, options),
    },
  ]
  if (interceptor)
    providers.push({
      provide: APP_INTERCEPTOR,
      inject: [token],
      useFactory: (damson: DamsonService) => new DamsonInterceptor(damson),
    })
  const isDefault = name === DEFAULT_NAME
  if (isDefault) providers.push({ provide: DamsonService, useExisting: token }, DamsonInterceptor)
  const exported = isDefault ? [token, DamsonService, DamsonInterceptor] : [token]
  const controllers = beacon && isDefault ? [DamsonBeaconController] : []
  return { module: DamsonModule, global: isGlobal, controllers, providers, exports: exported }
}

function asyncProviders<E extends object>(options: DamsonAsyncOptions<E>): readonly Provider[] {
  const { name, inject = [], useFactory, useClass, useExisting } = options
  const provide = getDamsonOptionsToken(name)
  if (useFactory !== undefined) return [{ provide, inject: [...inject], useFactory }]
  const factory = useExisting ?? useClass
  if (factory === undefined) {
    throw new DamsonError(
      'MODULE_OPTIONS_INVALID',
      'DamsonModule.forRootAsync() needs useFactory, useClass or useExisting, found none of them.',
    )
  }
  const made: Provider = {
    provide,
    inject: [factory],
    useFactory: (maker: DamsonOptionsFactory<E>) => maker.createDamsonOptions(),
  }
  return useClass === undefined || useExisting !== undefined ? [made] : [useClass, made]
}
