import type { EpochMs } from '../clock.ts'
import { coerceBoolean, coerceChoice, coerceId, coerceInstant, coerceText, INVALID } from './coerce.ts'
import type { CreateDisposition } from './define.ts'
import { isAbsent } from './raw-args.ts'
import type { RawArgs } from './raw-args.ts'
import { wire } from './wire.ts'

const CREATE_DISPOSITIONS = ['CreateIfNeeded', 'CreateNever'] as const

/** The arguments that every action knows (specification 8), for the reference; `readCommon` reads them. */
export const COMMON_ARGS = {
  appId: wire.text().required().describe('The app.'),
  clientKey: wire.text().required().describe('An access key of a class that may call the action.'),
  apiVersion: wire.text().describe('1.0.6. Documented as required, sent by no official SDK; any value is accepted.'),
  userId: wire.id().describe('The user. One of `userId` and `deviceId` is needed; blank means the user of the device.'),
  deviceId: wire.id().describe('The device. One of `userId` and `deviceId` is needed.'),
  devMode: wire.boolean().default(false).describe('The user is a developer. Needs the development key.'),
  createDisposition: wire.choice(CREATE_DISPOSITIONS).describe('What happens to an unknown user.'),
  time: wire.instant().describe('When it happened or, around a batch, when the batch was sent. UNIX seconds.'),
  reqId: wire.text().describe('Given back in the answer as it came. Makes a repeated request harmless for 24 hours.'),
  uuid: wire.text().describe('Names one state of the queue an SDK sends from.'),
  token: wire.text().describe('The token that `start` answered.'),
  client: wire.text().describe('What sent this: js, ios, android or the name of a wrapper.'),
  sdkVersion: wire.text().describe('The version of the SDK that sent this.'),
  versionName: wire.text().describe('What SDKs call `appVersion`.'),
}

/** The common arguments of one action, read. What was not supplied is `null`. */
export interface Common {
  readonly userId: string | null
  readonly deviceId: string | null
  readonly devMode: boolean
  /** `null`: the action's own default holds. */
  readonly createDisposition: CreateDisposition | null
  /** As the client's clock has it (specification 5.2). */
  readonly time: EpochMs | null
  /** As it came, with its JSON type; `undefined` when there is none. */
  readonly reqId: unknown
  readonly uuid: string | null
  readonly client: string | null
  readonly sdkVersion: string | null
  readonly versionName: string | null
}

export type CommonRead =
  { readonly ok: true; readonly common: Common } | { readonly ok: false; readonly invalid: keyof typeof COMMON_ARGS }

const NO_ARGS: RawArgs = {}

/**
 * Reads the common arguments of an action; of an action in a batch, `outer` are those around the batch. Its own win.
 * Whom it is about, from what, and under which conditions is taken from outside if it does not say itself; `time`,
 * `reqId` and `uuid` mean something else there. @source assumed: specification 1.3; `createDisposition`, `client` and
 * `sdkVersion` are ours: SDKs send the latter around the batch only, and a caller who says CreateNever there means it
 */
export function readCommon(raw: RawArgs, outer: RawArgs = NO_ARGS): CommonRead {
  const userId = read(raw.userId, outer.userId, coerceId)
  if (userId === INVALID) return { ok: false, invalid: 'userId' }
  const deviceId = read(raw.deviceId, outer.deviceId, coerceId)
  if (deviceId === INVALID) return { ok: false, invalid: 'deviceId' }
  const devMode = read(raw.devMode, outer.devMode, coerceBoolean)
  if (devMode === INVALID) return { ok: false, invalid: 'devMode' }
  const createDisposition = read(raw.createDisposition, outer.createDisposition, coerceCreateDisposition)
  if (createDisposition === INVALID) return { ok: false, invalid: 'createDisposition' }
  const time = read(raw.time, undefined, coerceInstant)
  if (time === INVALID) return { ok: false, invalid: 'time' }
  const uuid = read(raw.uuid, undefined, coerceText)
  if (uuid === INVALID) return { ok: false, invalid: 'uuid' }
  const client = read(raw.client, outer.client, coerceText)
  if (client === INVALID) return { ok: false, invalid: 'client' }
  const sdkVersion = read(raw.sdkVersion, outer.sdkVersion, coerceText)
  if (sdkVersion === INVALID) return { ok: false, invalid: 'sdkVersion' }
  const versionName = read(raw.versionName, outer.versionName, coerceText)
  if (versionName === INVALID) return { ok: false, invalid: 'versionName' }
  const common: Common = {
    userId,
    deviceId,
    devMode: devMode ?? false,
    createDisposition,
    time,
    reqId: readReqId(raw),
    uuid,
    client,
    sdkVersion,
    versionName,
  }
  return { ok: true, common }
}

/** An action's `reqId` as it came, for its element of the answer; `undefined` when it has none. Cannot fail. */
export function readReqId(raw: RawArgs): unknown {
  return isAbsent(raw.reqId) ? undefined : raw.reqId
}

function read<T>(own: unknown, outer: unknown, coerce: (value: unknown) => T | typeof INVALID) {
  if (!isAbsent(own)) return coerce(own)
  return isAbsent(outer) ? null : coerce(outer)
}

function coerceCreateDisposition(value: unknown) {
  return coerceChoice(value, CREATE_DISPOSITIONS, false)
}
