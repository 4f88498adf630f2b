import { DamsonError, type Params, type Tracker } from '@damson/core'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import type { Scope } from './scope.ts'

interface Registry {
  readonly scopes: WeakMap<IncomingMessage, Scope>
  readonly storage: AsyncLocalStorage<Scope>
}

/** One per process, not per copy of this module: an app may load it as ESM here and as CommonJS there. */
const KEY = Symbol.for('damson.express.1')
const shared = globalThis as { [KEY]?: Registry }
const registry = (shared[KEY] ??= { scopes: new WeakMap(), storage: new AsyncLocalStorage() })

export function findScope(request: IncomingMessage): Scope | undefined {
  return registry.scopes.get(request)
}

/** Remembers the scope, and is the one place where a request's work begins: `run` and all it starts know whose they are. */
export function enterScope(request: IncomingMessage, scope: Scope, run: () => void): void {
  registry.scopes.set(request, scope)
  registry.storage.run(scope, run)
}

/** @throws {DamsonError} MIDDLEWARE_MISSING: says which line to add. */
export function scopeOf(request: IncomingMessage, caller: string): Scope {
  const scope = registry.scopes.get(request)
  if (scope !== undefined) return scope
  throw new DamsonError(
    'MIDDLEWARE_MISSING',
    `${caller} was called on a request that damson() has not seen. Add it before the routes that need it:\n\n` +
      `  app.use(damson(client, { secrets: [secret] }))\n`,
  )
}

/**
 * The tracker of the request whose work this is, wherever in the code; `null` outside of requests. For code that has no
 * `req`; where there is one, `getTracker(req)` says more clearly what is meant.
 */
export function currentTracker<E extends object = Record<string, Params>>(): Tracker<E> | null {
  return (registry.storage.getStore()?.tracker() as Tracker<E> | undefined) ?? null
}
