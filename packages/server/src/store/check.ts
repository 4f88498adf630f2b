import { isCommon } from './apply.ts'
import { keyOf, type Resolved, type Shelves } from './shelves.ts'
import type { Change, ProfileRef, Turn } from './store.ts'

/** Whether the turn changes anything. */
export function isWriting(turn: Turn<unknown>, found: Resolved, ref: ProfileRef, shelves: Shelves): boolean {
  if (turn.seen !== undefined && turn.seen.length > 0) return true
  if (sends(turn.deliveries) || sends(turn.otherDeliveries)) return true
  if (isChanging(turn.subject, found.subject) || isChanging(turn.other, found.other)) return true
  for (const deviceId in turn.devices) {
    const owner = found[turn.devices[deviceId] ?? 'subject']
    if (owner === null || shelves.devices.get(keyOf(ref.appId, deviceId))?.pid !== owner.pid) return true
  }
  return false
}

function sends(deliveries: Turn<unknown>['deliveries']): boolean {
  return deliveries !== undefined && deliveries.length > 0
}

function isChanging(change: Change | undefined, held: Resolved['subject']): boolean {
  if (change === undefined) return false
  if (change.profile !== (held?.profile ?? null) || change.wakeAt !== (held?.wakeAt ?? null)) return true
  return (change.entries?.length ?? 0) > 0 || movesHistory(change)
}

/** Whether the message ids of the turn's profiles must be in memory to carry it out. */
export function needsSeen(turn: Turn<unknown>): boolean {
  return (turn.seen?.length ?? 0) > 0 || movesHistory(turn.subject) || movesHistory(turn.other)
}

/** Refuses what a turn may not ask for, before anything is changed. These are mistakes of the engine, not of a user. */
export function check(turn: Turn<unknown>, found: Resolved, ref: ProfileRef, shelves: Shelves): void {
  if (isCommon(turn, found)) return
  const isSenderThere =
    (!sends(turn.deliveries) || exists(turn.subject, found.subject)) &&
    (!sends(turn.otherDeliveries) || exists(turn.other, found.other))
  assert(isSenderThere, 'deliveries of a profile that exists after the turn')
  assert(turn.other === undefined || ref.otherUserId !== undefined, 'to change `other` only if the ref names it')
  for (const [side, counterpart] of [
    ['subject', 'other'],
    ['other', 'subject'],
  ] as const) {
    const change = turn[side]
    const isCounterpartLeft = exists(turn[counterpart], found[counterpart])
    if (change?.history === 'move') assert(isCounterpartLeft, 'history to move to a profile that exists after the turn')
    if (!change?.profile) continue
    const { userId } = change.profile
    assert(turn[counterpart]?.profile?.userId !== userId, 'the two profiles to have different user ids')
    const link = shelves.names.get(keyOf(ref.appId, userId))
    assert(link !== undefined, 'a profile to be named by one of the ids of the ref')
    const holder = link.pid === 0 ? undefined : shelves.profiles.get(link.pid)
    const isFree = !holder?.profile || holder === found[side]
    const isGivenUp = holder === found[counterpart] && turn[counterpart]?.profile === null
    assert(isFree || isGivenUp, 'the user id of a profile not to belong to another one')
  }
  for (const deviceId in turn.devices) {
    const side = turn.devices[deviceId] ?? 'subject'
    assert(exists(turn[side], found[side]), 'a device to be given to a profile that exists after the turn')
  }
}

function exists(change: Change | undefined, held: Resolved['subject']): boolean {
  return (change === undefined ? held?.profile : change.profile) != null
}

function movesHistory(change: Change | undefined): boolean {
  return change?.history !== undefined && change.history !== 'keep'
}

function assert(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new Error(`Expected ${expected}, but the turn asks for something else.`)
}
