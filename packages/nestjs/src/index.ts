export { verifyPostback, type Postback, type PostbackRequest, type VerifyOptions } from '@damson/core/web'
export { DamsonBeaconController } from './beacon.controller.ts'
export type { Carrier } from './carrier.ts'
export { CurrentSession, CurrentTracker } from './damson.decorators.ts'
export { DamsonGateway } from './damson.gateway.ts'
export { DamsonInterceptor } from './damson.interceptor.ts'
export { DamsonModule } from './damson.module.ts'
export { DamsonService } from './damson.service.ts'
export { DamsonEngineModule, type EngineOptions } from './engine.module.ts'
export type {
  AdapterOptions,
  DamsonAsyncOptions,
  DamsonOptions,
  DamsonOptionsFactory,
  Identified,
  ModuleExtras,
} from './options.ts'
export type { ConnectionOptions } from './presence.ts'
export type { Visit } from './scope.ts'
export { getDamsonOptionsToken, getDamsonToken, InjectDamson } from './tokens.ts'
export { Track, trackFor, type TrackDecorator, type TrackOptions } from './track.ts'
