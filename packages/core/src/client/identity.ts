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
}

/** @throws {DamsonError} IDENTITY_INVALID: neither id, or one the server would refuse. */
export function subjectOf(identity: Identity): Subject {
  const userId = checked(identity, 'userId')
  const deviceId = checked(identity, 'deviceId')
  const lane = userId && userId !== deviceId ? laneOf(userId) : deviceId && `d${deviceId}`
  if (!lane) throw invalid('client.for() needs userId or deviceId')
  return { userId, deviceId, lane, session: JSON.stringify([userId, deviceId]) }
}

/** The lane of somebody who has a user id. */
export function laneOf(userId: string): string {
  return `u${userId}`
}

function checked(identity: Identity, name: keyof Identity): string | undefined {
  const id = identity[name]
  if (typeof id === 'string' ? id.length <= MAX_ID_LENGTH : id == null) return id || undefined
  throw invalid(`${name} must be text of at most ${MAX_ID_LENGTH} characters, found ${id?.length ?? typeof id}`)
}

function invalid(problem: string): DamsonError {
  return new DamsonError('IDENTITY_INVALID', `${problem}.`)
}
