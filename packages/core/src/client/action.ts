import type { EpochMs } from '../clock.ts'
import type { Core } from './core.ts'
import type { Subject } from './identity.ts'

export type Scalar = string | number | boolean
/** Parameters of an event or state: flat (specification 7.1). */
export type Params = Readonly<Record<string, Scalar | null | undefined>>

/** What failures taught about one action. */
export interface Trouble {
  /** How many actions may travel together with it; halved each time its request was refused. */
  room: number
  /** How often it alone made the server fail: status 500 when it travelled alone, or an internal error of its element. */
  strikes: number
  /** 0 as long as nobody wrote it down. */
  firstTriedAt: EpochMs
  /** Its user is gone: it may arrive if it is on its way, but is not sent again. */
  isDeleted: boolean
}

/** What became of one action. */
export type Fate =
  | { readonly delivered: true; readonly element: WireElement }
  | { readonly delivered: false; readonly reason: DropReason; readonly detail: string }

export type DropReason =
  /** The bound was reached; see `overflow`. */
  | 'queueFull'
  /** The server refused this action and would again. */
  | 'refused'
  /** The server refused its size even when it travelled alone. */
  | 'tooLarge'
  /** Not JSON: a cycle, a BigInt. */
  | 'unserializable'
  /** Tried for so long that the server may have forgotten its `reqId`: a further try could count twice. */
  | 'expired'
  /** Its user was deleted. */
  | 'deleted'
  /** The client was closed before it could be sent, and there is no outbox. */
  | 'closed'
  /** Consent was denied. */
  | 'consent'
  /** A `beforeSend` step said so. */
  | 'filtered'
  /** A `beforeSend` step threw: sent unredacted would be worse than not sent. */
  | 'filterFailed'
  /** Left out by sampling. */
  | 'sampled'
  /** Its parameters do not fit the schema of its event. */
  | 'invalid'

/** One element of the server's answer, as it came. */
export type WireElement = Readonly<Record<string, unknown>>

/** One action waiting for its own success. It becomes JSON when it is sent, and not before. */
export interface QueuedAction {
  readonly action: string
  readonly subject: Subject
  /** `event` or `state`, for the actions that have one. */
  readonly name: string | undefined
  readonly params: object | undefined
  /** Its other arguments. */
  readonly args: object | undefined
  readonly time: EpochMs
  /** Position in the order of acceptance, from 1; 0 as long as the queue does not have it. */
  seq: number
  /** Kept over retries and restarts, so that the server can deduplicate. */
  readonly reqId: string | null
  /** About how long its JSON will be. */
  readonly bytes: number
  settle: ((fate: Fate) => void) | undefined
  trouble: Trouble | null
}

/** What an action says. */
export interface Content {
  /** `event` or `state`, for the actions that have one. */
  readonly name?: string | undefined
  readonly params?: object | undefined
  /** Its other arguments. */
  readonly args?: object | undefined
}

/** What surrounds the arguments in JSON: braces, `action`, `time`, `reqId`, `uuid`. */
const FRAME_BYTES = 140
const NUMBER_BYTES = 12

/** Not yet in the queue: it gets its place in the order (`seq`) there. */
export function queuedAction(
  subject: Subject,
  action: string,
  { name, params, args }: Content,
  time: EpochMs,
  settle?: QueuedAction['settle'],
  reqId: string | null = null,
): QueuedAction {
  const bytes = FRAME_BYTES + sizeOf(subject.session) + sizeOf(name) + sizeOf(params) + sizeOf(args)
  return { action, subject, name, params, args, time, seq: 0, reqId, bytes, settle, trouble: null }
}

/** About how long the JSON will be; adds lengths, builds nothing. Exact enough to bound memory and requests. */
function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length
  // Attributes may hold lists; whatever lies deeper than that is refused or rare, and 413 splits.
  if (typeof value !== 'object' || depth > 4) return NUMBER_BYTES
  let bytes = 2
  for (const key in value) bytes += key.length + 4 + sizeOf((value as Record<string, unknown>)[key], depth + 1)
  return bytes
}

/** Sixty-four random bits, once per client; with a counter behind it, as unique as a UUID per action and far cheaper. */
export function reqIdOf(core: Core, { reqId, seq }: QueuedAction): string {
  // Made at the first action: some edge runtimes refuse random numbers while a module loads.
  core.uuid ||= crypto.getRandomValues(new BigUint64Array(1))[0]!.toString(36)
  return reqId ?? `${core.uuid}-${seq.toString(36)}`
}

/**
 * One element of a `multi`, as JSON text. The batch generation (`uuid`) is all of the id before its counter (specification 2.4).
 * @throws {TypeError} if the arguments hold what JSON cannot.
 */
export function encodeAction({ action, subject, name, params, args, time }: QueuedAction, reqId: string): string {
  // On Node 20 what stands behind a spread gives each element a shape of its own, two kilobytes until the next major
  // collection. So arguments come behind; what is ours stays ours, also where there is nothing.
  const element: Record<string, unknown> = {
    action,
    userId: subject.userId,
    deviceId: subject.deviceId,
    time: time / 1000,
    reqId,
    uuid: reqId.slice(0, reqId.lastIndexOf('-')),
    event: action === 'advance' ? undefined : name,
    state: action === 'advance' ? name : undefined,
    params,
  }
  for (const key in args) if (!(key in element)) element[key] = (args as Record<string, unknown>)[key]
  return JSON.stringify(element)
}
