import { postgresStore } from '@damson/server/postgres'
import { expect } from 'vitest'
import { APP } from './nodes.ts'
import { expectedOf, type Log, sessionsOf, type Told } from './reference.ts'
import type { SimulatedUser } from './users.ts'

/**
 * Holds what is stored of users against the reference: sessions, totals, and each event once.
 * @returns the events of everybody in the store, by user: what each says in `info`
 */
export async function compare(
  users: readonly SimulatedUser[],
  log: Log,
  url: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const store = await postgresStore({ url })
  try {
    const entries = new Map<string, Parameters<typeof sessionsOf>[0][number][]>()
    for await (const { userId, entry } of store.entries({ appId: APP.appId })) {
      const own = entries.get(userId)
      if (own === undefined) entries.set(userId, [entry])
      else own.push(entry)
    }
    const totals = new Map<string, Omit<Told, 'sessions' | 'offlineAt'>>()
    for await (const profile of store.profiles(APP.appId)) {
      const { totalSessions, timeInAppMs, lastActiveAt } = profile
      totals.set(profile.userId, { totalSessions, timeInAppMs, lastActiveAt })
    }
    const events = new Map(
      [...totals.keys()].map((userId) => {
        const own = entries.get(userId) ?? []
        return [userId, own.flatMap((entry) => (entry.kind === 'event' ? [String(entry.info)] : []))] as const
      }),
    )
    for (const user of users) {
      const told = { ...sessionsOf(entries.get(user.userId) ?? []), ...totals.get(user.userId) }
      expect(told, user.userId).toEqual(expectedOf(user, log))
      const sent = user.wishes.flatMap(({ action, id }) => (action === 'track' ? [id] : []))
      expect([...(events.get(user.userId) ?? [])].sort(), user.userId).toEqual(sent.sort())
    }
    return events
  } finally {
    await store.close()
  }
}
