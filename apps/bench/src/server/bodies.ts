import { NUMBER } from '../generator.ts'

export const APP_ID = 'app_bench'
export const PRODUCTION_KEY = 'prod_bench'

const USERS = 10_000
const BATCH_USERS = 50
const BATCH_ACTIONS_EACH = 10

/** A purchase with what a shop would say of it, and when it happened: about 250 bytes. */
function track(user: number, more: object): object {
  const params = { item: 'shirt-4711', size: 'M', colour: 'midnight blue', pieces: 3, campaign: 'spring-sale' }
  const time = Date.now() / 1_000
  return {
    action: 'track',
    userId: `user-${user}`,
    time,
    event: 'Purchase',
    value: 9.99,
    info: 'checkout',
    params,
    ...more,
  }
}

const KEYS = { appId: APP_ID, clientKey: PRODUCTION_KEY }

/** One `track` a request, of ten thousand users in turn. */
export function trackBodies(): string[] {
  return Array.from({ length: USERS }, (_, user) => JSON.stringify(track(user, KEYS)))
}

/** The same with a message id, as our client sends them: no two are alike. */
export function numberedTrackBodies(): string[] {
  const run = process.pid.toString(36) + Date.now().toString(36)
  return Array.from({ length: USERS }, (_, user) => JSON.stringify(track(user, { ...KEYS, reqId: `${run}-${NUMBER}` })))
}

/** A `multi` of fifty users with ten actions each, as the documentation allows at most. */
export function multiBodies(): string[] {
  return Array.from({ length: USERS / BATCH_USERS }, (_, batch) => {
    const data = Array.from({ length: BATCH_USERS * BATCH_ACTIONS_EACH }, (_entry, index) =>
      track(batch * BATCH_USERS + Math.floor(index / BATCH_ACTIONS_EACH), {}),
    )
    return JSON.stringify({ ...KEYS, action: 'multi', time: Date.now() / 1_000, data })
  })
}
