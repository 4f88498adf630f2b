import type { Fault } from '@damson/core/testing'

export type Fetch = (request: Request) => Promise<Response>

/** A network in front of a real server: takes each request's fault from `next`. */
export function faultyNetwork(server: Fetch, next: () => Exclude<Fault, object> | null): Fetch {
  return async (request) => {
    const fault = next()
    if (fault === 'networkError') throw new TypeError('fetch failed')
    if (typeof fault === 'number') return Response.json({ response: [] }, { status: fault })
    const response = await server(request)
    if (fault === 'answerLost') throw new TypeError('socket hang up')
    return response
  }
}
