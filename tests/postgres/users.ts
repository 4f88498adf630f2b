import { diceOf, pick } from './dice.ts'

/** What a simulated user asks for, one after the other; each under an id of its own. */
export interface Wish {
  readonly id: string
  readonly action: 'start' | 'track' | 'advance' | 'heartbeat' | 'pauseSession' | 'resumeSession' | 'stop'
  readonly state?: string
  /** An event of a message, for which somebody is called. */
  readonly messageId?: number
}

export interface SimulatedUser {
  readonly userId: string
  /** Half of them come with a device, in every request. */
  readonly deviceId: string | null
  readonly wishes: Wish[]
}

const ACTIONS: readonly Wish['action'][] = [
  ...Array.from({ length: 9 }, () => 'track' as const),
  'start',
  'start',
  'advance',
  'heartbeat',
  'pauseSession',
  'pauseSession',
  'resumeSession',
  'resumeSession',
  'stop',
]

/** How many of all messages nobody ever takes. */
export const DOOMED = 12

/** Everybody, and all they will ask for. One in twenty has an event of a message among it. */
export function makeUsers(count: number, wishes: number, seed: number): SimulatedUser[] {
  const dice = diceOf(seed)
  return Array.from({ length: count }, (_, number) => {
    const own = Array.from({ length: wishes }, (_wish, index): Wish => {
      const id = `message-${number}-${index}`
      if (index === 0) return { id, action: 'start' }
      if (number % 20 === 0 && index === 3) return { id, action: 'track', messageId: 1 + number / 20 }
      const action = pick(dice, ACTIONS)
      return { id, action, ...(action === 'advance' && { state: pick(dice, ['cart', 'shelf', '']) }) }
    })
    return { userId: `user-${number}`, deviceId: number % 2 === 0 ? `device-${number}` : null, wishes: own }
  })
}

/** The request of a wish, without the keys. */
export function requestOf({ userId, deviceId }: SimulatedUser, wish: Wish): Record<string, unknown> {
  const { id, action, state, messageId } = wish
  return {
    action,
    userId,
    reqId: id,
    ...(deviceId !== null && { deviceId }),
    ...(action === 'track' && { event: messageId === undefined ? 'Bought' : 'Open', info: id }),
    ...(messageId !== undefined && { messageId }),
    ...(state !== undefined && { state }),
  }
}

/** Numbers in another order. */
export function shuffled(count: number, dice: () => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  for (let index = count - 1; index > 0; index -= 1) {
    const other = Math.floor(dice() * (index + 1))
    ;[order[index], order[other]] = [order[other]!, order[index]!]
  }
  return order
}
