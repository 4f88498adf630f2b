import { createClient, type Client, type ClientOptions } from '@damson/core'

/**
 * Next loads a module once for the proxy, once for the pages, once for the routes, once for the instrumentation. A client
 * kept in a variable would be four clients, each with a queue and with its own idea of the sessions; this one is not.
 */
const REGISTRY = Symbol.for('damson.next')
/** Of what lies in the registry. Two versions of this package in one process leave each other's clients alone. */
const SHAPE = 'v0'

type Clients = Map<string, unknown>

/** The process's client for this app: made by whoever comes first, and the same for everybody else. */
export function sharedClient<E extends object>(options: ClientOptions<E>): Client<E> {
  const clients = clientsOf(globalThis)
  const key = `${options.appId} ${options.endpoint ?? ''}`
  const known = clients.get(key) as Client<E> | undefined
  if (known !== undefined) return known
  const client = createClient(options)
  clients.set(key, client)
  return client
}

function clientsOf(place: object): Clients {
  const registry = ((place as { [REGISTRY]?: Record<string, Clients> })[REGISTRY] ??= {})
  return (registry[SHAPE] ??= new Map())
}
