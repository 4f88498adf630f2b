import type { Store } from '../../store/store.ts'

/** For tests: all that a store says of an app, in an order that does not depend on the store. */
export async function everything(store: Store, appId: string): Promise<unknown> {
  const profiles: string[] = []
  for await (const profile of store.profiles(appId)) profiles.push(JSON.stringify(profile))
  const histories = new Map<string, unknown[]>()
  for await (const { userId, entry } of store.entries({ appId }))
    histories.set(userId, [...(histories.get(userId) ?? []), entry])
  const deliveries: unknown[] = []
  for (const status of ['waiting', 'failed'] as const)
    for await (const delivery of store.deliveries({ appId, kind: 'postback', status })) deliveries.push(delivery)
  const overdue = await store.overdue(Number.MAX_SAFE_INTEGER, 10_000)
  return {
    apps: await store.apps(),
    revisions: new Set(await store.revisions()),
    profiles: new Set(profiles),
    histories: new Map(histories),
    deliveries: new Set(deliveries),
    overdue: new Set(overdue.map(({ userId }) => userId)),
  }
}
