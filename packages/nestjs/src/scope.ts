import { AsyncLocalStorage } from 'node:async_hooks'
import type { Tracker } from '@damson/core'
import type { HeaderSource } from '@damson/core/web'

/** Whom the work at hand concerns, for one client. */
export interface Visit {
  /** `null`: nobody is known, or the request is ignored. */
  readonly tracker: Tracker | null
  readonly onError: (error: unknown) => void
  /** Ends the session, and gives the browser the cookie of a stranger if it had one. Never rejects. */
  leave(): Promise<void>
}

interface Shared {
  readonly scopes: AsyncLocalStorage<ReadonlyMap<string, Visit>>
  readonly visits: WeakMap<object, Map<string, Visit>>
  readonly handshakes: WeakMap<object, HeaderSource>
}

/** Two copies of this file, one of each build, may serve one process: what they must agree on is kept with the process. */
const KEY = Symbol.for('damson.nestjs.shared@1')
const holder = globalThis as { [KEY]?: Shared }
const { scopes, visits, handshakes } = (holder[KEY] ??= {
  scopes: new AsyncLocalStorage(),
  visits: new WeakMap(),
  handshakes: new WeakMap(),
})

/** Runs `work`, and all that it starts, on behalf of a visit. */
export function runInVisit<T>(name: string, visit: Visit, work: () => T): T {
  return scopes.run(new Map(scopes.getStore()).set(name, visit), work)
}

/** `undefined` outside of anything the interceptor has seen. */
export function currentVisit(name: string): Visit | undefined {
  return scopes.getStore()?.get(name)
}

/** Field resolvers of GraphQL run outside the interceptor, so the visit is kept with the request, too. */
export function keepVisit(request: object, name: string, visit: Visit): void {
  const kept = visits.get(request)
  if (kept === undefined) visits.set(request, new Map([[name, visit]]))
  else kept.set(name, visit)
}

export function visitWith(request: object, name: string): Visit | undefined {
  return visits.get(request)?.get(name)
}

/** A connection of `ws` does not know the request it came from. */
export function keepHandshake(client: object, headers: HeaderSource): void {
  handshakes.set(client, headers)
}

export function handshakeOf(client: object): HeaderSource | undefined {
  return handshakes.get(client)
}
