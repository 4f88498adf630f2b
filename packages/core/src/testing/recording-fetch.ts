import type { FetchLike } from '../client/transport.ts'

/** One action as it went over the wire. */
export type RecordedAction = Readonly<Record<string, unknown>>

export interface RecordedRequest {
  readonly url: string
  /** What stands around the actions: `appId`, `time` … */
  readonly outer: RecordedAction
  readonly actions: readonly RecordedAction[]
  /** How it was answered: a status, or the fault it met. */
  readonly answer: number | 'networkError' | 'answerLost'
}

/**
 * What one request meets. `networkError` never arrives; `answerLost` arrives and is carried out, but the answer does not
 * come back; a number is that status.
 */
export type Fault =
  | 'networkError'
  | 'answerLost'
  | number
  | { readonly status: number; readonly retryAfter?: string; readonly error?: string }

export interface RecordingFetch extends FetchLike {
  readonly requests: readonly RecordedRequest[]
  /** Everything the server took, each `reqId` once: what it would have counted. */
  readonly taken: readonly RecordedAction[]
  /** The next requests meet these, in order; after them all goes well. */
  fail(...faults: readonly Fault[]): void
  /** Every request meets this, until `null`. */
  failAlways(fault: Fault | null): void
  /** Answers elements: return fields to add to `{"success":true}`. */
  answer(element: (action: RecordedAction) => Readonly<Record<string, unknown>> | null): void
  reset(): void
}

/** A server that remembers what it was asked, deduplicates by `reqId` like the real one, and fails by script. */
export function recordingFetch(): RecordingFetch {
  const requests: RecordedRequest[] = []
  const taken: RecordedAction[] = []
  const seen = new Set<unknown>()
  let script: Fault[] = []
  let always: Fault | null = null
  let elementOf: (action: RecordedAction) => Readonly<Record<string, unknown>> | null = () => null

  const fetch = async (request: Request): Promise<Response> => {
    const body = JSON.parse(await request.text()) as RecordedAction
    const { data, ...outer } = body
    const actions = Array.isArray(data) ? (data as RecordedAction[]) : [body]
    const fault = script.shift() ?? always
    const status = typeof fault === 'object' ? (fault?.status ?? 200) : (fault ?? 200)
    requests.push({ url: request.url, outer, actions, answer: status })
    if (fault === 'networkError') throw new TypeError('fetch failed')
    if (typeof status === 'number' && status !== 200) return refusal(status, fault)
    for (const action of actions) {
      const id = action['reqId']
      if (id !== undefined && seen.has(id)) continue
      seen.add(id)
      taken.push(action)
    }
    if (fault === 'answerLost') throw new TypeError('socket hang up')
    const response = actions.map((action) => ({ success: true, ...elementOf(action), reqId: action['reqId'] }))
    return Response.json({ response })
  }

  return Object.assign(fetch, {
    requests,
    taken,
    fail: (...faults: readonly Fault[]) => void script.push(...faults),
    failAlways: (fault: Fault | null) => void (always = fault),
    answer: (element: typeof elementOf) => void (elementOf = element),
    reset() {
      requests.length = 0
      taken.length = 0
      seen.clear()
      script = []
      always = null
    },
  })
}

function refusal(status: number, fault: Fault | null): Response {
  const { error = `HTTP ${status}`, retryAfter } = typeof fault === 'object' && fault !== null ? fault : {}
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return Response.json({ response: [{ success: false, error: { message: error } }] }, { status, headers })
}
