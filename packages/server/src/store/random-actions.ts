/** For tests: what anybody may ask for, drawn from dice. */
export const USERS = ['ann', 'bob', 'eve \u0000\ud800']
export const DEVICES = ['device 1', 'device 2']
const ACTIONS = {
  prod: [
    'start',
    'start',
    'track',
    'track',
    'track',
    'advance',
    'stop',
    'pauseSession',
    'resumeSession',
    'heartbeat',
    'login',
    'attributes',
    'multi',
  ],
  dev: ['deleteUser', 'erase', 'block', 'unblock'],
  export: ['exportUser'],
} as const

/** Of the users and devices of one history, which `seed` names. */
export function actionOf(dice: () => number, seed: number): Record<string, unknown> {
  const clientKey = pick(dice, ['prod', 'prod', 'prod', 'prod', 'prod', 'prod', 'dev', 'export'] as const)
  const action = pick<string>(dice, ACTIONS[clientKey])
  if (action === 'multi') {
    // All of one user: those of others in the same batch go at once, and which is first is nobody's promise.
    const { userId, deviceId } = bodyOf(dice, seed, 'track')
    const data = Array.from({ length: 4 }, () => {
      return { ...bodyOf(dice, seed, pick<string>(dice, ACTIONS.prod.slice(0, -1))), userId, deviceId }
    })
    return { appId: 'app', clientKey, action, data, time: 1_700_000_000 }
  }
  return { appId: 'app', clientKey, ...bodyOf(dice, seed, action) }
}

function bodyOf(dice: () => number, seed: number, action: string): Record<string, unknown> {
  const user = () => `${seed} ${pick(dice, USERS)}`
  const device = `${seed} ${pick(dice, DEVICES)}`
  const who = pick(dice, [
    { userId: user() },
    { userId: user(), deviceId: device },
    { deviceId: device },
    { userId: device, deviceId: device },
  ])
  const told = dice() < 0.4 ? { reqId: `r${Math.floor(dice() * 4)}`, uuid: 'u' } : {}
  const base = { ...who, ...told, event: pick(dice, ['A', 'B']), state: 's', value: 2 }
  if (action === 'login') return { ...base, action: 'setUserAttributes', newUserId: user() }
  if (action === 'attributes')
    return { ...base, action: 'setUserAttributes', userAttributes: { n: Math.floor(dice() * 3) } }
  if (action === 'erase') return { ...base, action: 'deleteUser', fullErasure: true }
  return { ...base, action }
}

export function pick<T>(dice: () => number, items: readonly T[]): T {
  return items[Math.floor(dice() * items.length)] as T
}

/** Numbers from 0 to 1 that a seed repeats: mulberry32. */
export function diceOf(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
