import { DamsonError } from '../errors.ts'
import { MAX_ID_LENGTH } from '../protocol/limits.ts'

/** Whom an action concerns. One of the two is enough; with both it is that user on that device (specification 4.1). */
export interface Identity {
  readonly userId?: string | undefined
  readonly deviceId?: string | undefined
}

/** An identity, checked, with what the client derives from it once instead of per action. */
export interface Subject {
  readonly userId: string | undefined
  readonly deviceId: string | undefined
  /** The profile: actions that share it keep their order. */
  readonly lane: string
  /** The session: one per user and device (specification 6.2). */
  readonly session: string
  /** The identity as a piece of a JSON object, with its closing comma. */
  readonly wire: string
}

/** @throws {DamsonError} IDENTITY_INVALID: neither id, or one the server would refuse. */
export function subjectOf({ userId, deviceId }: Identity): Subject {
  const user = checked('userId', userId)
  const device = checked('deviceId', deviceId)
  if (user === undefined && device === undefined) {
    throw new DamsonError(
      'IDENTITY_INVALID',
      'client.for() needs a userId or a deviceId, found neither. Pass the id of the signed-in user, or one id you keep per visitor.',
    )
  }
  const isAnonymous = user === undefined || user === device
  return {
    userId: user,
    deviceId: device,
    lane: isAnonymous ? `d${device}` : laneOf(user),
    session: device === undefined ? `u${user}` : `${user ?? ''}\n${device}`,
    wire:
      (user === undefined ? '' : `"userId":${JSON.stringify(user)},`) +
      (device === undefined ? '' : `"deviceId":${JSON.stringify(device)},`),
  }
}

/** The lane of somebody who has a user id. */
export function laneOf(userId: string): string {
  return `u${userId}`
}

function checked(name: string, id: string | undefined): string | undefined {
  if (id === undefined || id === null || id === '') return undefined
  if (typeof id !== 'string' || id.length > MAX_ID_LENGTH) {
    const found = typeof id === 'string' ? `${id.length} characters` : typeof id
    throw new DamsonError(
      'IDENTITY_INVALID',
      `${name} must be text of at most ${MAX_ID_LENGTH} characters, found ${found}.`,
    )
  }
  return id
}
