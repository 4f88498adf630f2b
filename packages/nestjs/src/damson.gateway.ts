import { UseInterceptors } from '@nestjs/common'
import { DamsonInterceptor } from './damson.interceptor.ts'
import type { DamsonService } from './damson.service.ts'
import type { ConnectionOptions } from './presence.ts'

/**
 * Base of a gateway in which a connection is a session: it starts when one opens, pauses when nothing comes for a while or
 * the last one closes, and goes on when the visitor is back in time. Call `super` where you override either method.
 */
// NestJS 11 leaves global interceptors out of gateways; where it does not, the second run finds what the first found.
@UseInterceptors(DamsonInterceptor)
export abstract class DamsonGateway {
  readonly #damson: DamsonService
  readonly #options: ConnectionOptions

  constructor(damson: DamsonService, options: ConnectionOptions = {}) {
    this.#damson = damson
    this.#options = options
  }

  /** Nest calls it; `ws` hands over the request, `socket.io` keeps it with the client. */
  handleConnection(client: object, request?: { readonly headers: object }): Promise<void> {
    return this.#damson.connected(client, request, this.#options)
  }

  handleDisconnect(client: object): Promise<void> {
    return this.#damson.disconnected(client)
  }
}
