import { createClient, type ClientOptions } from '@damson/core'
import { fakeClock, fakeTimers, recordingFetch } from '@damson/core/testing'
import type { FakeClock, FakeTimers, RecordedAction, RecordingFetch } from '@damson/core/testing'
import { type DynamicModule, Module } from '@nestjs/common'
import { DamsonModule } from '../damson.module.ts'
import type { AdapterOptions, DamsonOptions, ModuleExtras } from '../options.ts'

export interface TestingOptions extends AdapterOptions, ModuleExtras {
  /** Of the client: its events, `beforeSend` … */
  readonly client?: Partial<ClientOptions>
}

/** Stands in for `DamsonModule` in tests: time is held in the hand, and what would be sent is kept. */
export interface DamsonTesting {
  /** To import instead of `DamsonModule.forRoot(…)`. */
  readonly module: DynamicModule
  /** For a whole application: `overrideProvider(getDamsonOptionsToken()).useValue(testing.options)`. */
  readonly options: DamsonOptions
  readonly clock: FakeClock
  readonly timers: FakeTimers
  /** Everything as it was sent; can be told to fail. For `expectTracked` of `@damson/core/testing`. */
  readonly server: RecordingFetch
  /** Everything done so far, sessions included, in order. */
  actions(): Promise<readonly RecordedAction[]>
  /** Of these, the events. */
  events(): Promise<readonly RecordedAction[]>
}

@Module({})
export class DamsonTestingModule {
  static create({ client: clientOptions = {}, ...rest }: TestingOptions = {}): DamsonTesting {
    const clock = fakeClock()
    const timers = fakeTimers(clock)
    const server = recordingFetch()
    const given = { appId: 'app_test', clientKey: 'prod_test', fetch: server, clock, timers, ...clientOptions }
    const client = createClient(given)
    const options = { clock, timers, ...rest, client }
    const actions = async () => {
      await client.flush()
      return server.taken
    }
    return {
      module: { ...DamsonModule.forRoot(options), module: DamsonTestingModule },
      options,
      clock,
      timers,
      server,
      actions,
      events: async () => (await actions()).filter((action) => action['action'] === 'track'),
    }
  }
}
