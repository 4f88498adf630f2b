import { DamsonError, type Params, type Tracker } from '@damson/core'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import type { Scope } from './scope.ts'

/**
 * What a request holds of us, and the process: the same for each copy of this module, as an app may load it as ESM here and as
 * CommonJS there. The request itself is what remembers, since a `WeakMap` makes each collection of garbage dearer.
 */
const KEY = Symbol.for('damson.express.2')
const shared = globalThis as { [KEY]?: AsyncLocalStorage<Scope> }
const storage = (shared[KEY] ??= new AsyncLocalStorage())

interface Known {
  [KEY]?: Scope
}

export function findScope(request: IncomingMessage): Scope | undefined {
  return (request as Known)[KEY]
}

/** Remembers the scope, and is the one place where a request's work begins: `run` and all it starts know whose they are. */
export function enterScope(request: IncomingMessage, scope: Scope, run: () => void): void {
  ;(request as Known)[KEY] = scope
  storage.run(scope, run)
}

/** @throws {DamsonError} MIDDLEWARE_MISSING: says which line to add. */
export function scopeOf(request: IncomingMessage, caller: string): Scope {
  const scope = findScope(request)
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
  return (storage.getStore()?.tracker() as Tracker<E> | undefined) ?? null
}
