import { Inject, Injectable } from '@nestjs/common'
import { HealthIndicatorService } from '@nestjs/terminus'
import type { DamsonService } from '../damson.service.ts'
import { getDamsonToken } from '../tokens.ts'

export interface HealthOptions {
  /** Of a client with a name. */
  readonly damson?: DamsonService
  /** Unhealthy from so many actions that wait to be sent. Default: never. */
  readonly maxPending?: number
}

/**
 * Whether events get through, for Terminus 11 and 12. They are kept and sent later if not, so this belongs into a report
 * and not into what decides whether the application gets requests.
 */
@Injectable()
export class DamsonHealthIndicator {
  readonly #indicators: HealthIndicatorService
  readonly #damson: DamsonService

  constructor(
    @Inject(HealthIndicatorService) indicators: HealthIndicatorService,
    @Inject(getDamsonToken()) damson: DamsonService,
  ) {
    this.#indicators = indicators
    this.#damson = damson
  }

  /** Never throws. */
  isHealthy<const Key extends string>(key: Key, options: HealthOptions = {}) {
    const { damson = this.#damson, maxPending = Number.POSITIVE_INFINITY } = options
    const { pending, sent, dropped, circuit } = damson.client.stats()
    const details = { pending, sent, dropped, circuit }
    const indicator = this.#indicators.check(key)
    return circuit === 'open' || pending > maxPending ? indicator.down(details) : indicator.up(details)
  }
}
