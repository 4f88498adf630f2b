import type { EpochMs } from '@damson/core'
import { HOOKS, HOOKS_MAX, type HookRule } from '../engine/postbacks/rules.ts'
import type { Server } from '../server.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'

/** A hook as a configuration file describes it. */
export type ConfiguredHook = Pick<HookRule, 'url' | 'on' | 'events'>

/** The hooks of each app that the file names; an app without any has an empty list. */
export type ConfiguredHooks = ReadonlyMap<string, readonly ConfiguredHook[]>

/**
 * Starts a server whose apps have the hooks of the configuration file before the first request. One that is there already keeps
 * its number, and with it its secret; one that the file does not name any more goes. What was made by command stays.
 * @throws {Problem} there would be too many; the server is stopped
 */
export async function startWithHooks(
  server: Server,
  store: Store,
  hooks: ConfiguredHooks,
  now: EpochMs,
): Promise<void> {
  await server.start()
  try {
    for (const [appId, wanted] of hooks) while (!(await step(store, appId, wanted, now)));
    await server.engine.refresh()
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Takes one away or adds one; each addition is a revision of its own, for that is what makes their numbers. */
function step(store: Store, appId: string, wanted: readonly ConfiguredHook[], now: EpochMs): Promise<boolean> {
  return store.changeDocuments(appId, HOOKS.name, ({ revision, documents }) => {
    const configured = ([...documents.values()] as HookRule[]).filter(({ isConfigured }) => isConfigured)
    const gone = configured.find((rule) => !wanted.some((hook) => isSame(hook, rule)))
    if (gone !== undefined) return { answer: false, put: { [gone.id]: null } }
    const missing = wanted.find((hook) => !configured.some((rule) => isSame(hook, rule)))
    if (missing === undefined) return { answer: true }
    if (documents.size >= HOOKS_MAX)
      throw new Problem(
        `the app '${appId}' would have more than ${HOOKS_MAX} hooks, with those made by 'damson hooks add'. ` +
          'No more are looked at. Delete some, or take some out of the configuration file.',
      )
    const rule: HookRule = { ...missing, id: revision + 1, createdAt: now, isConfigured: true }
    return { answer: false, put: { [rule.id]: rule } }
  })
}

export function isSame(one: ConfiguredHook, other: ConfiguredHook): boolean {
  const textOf = ({ url, on, events }: ConfiguredHook) => JSON.stringify([url, on.toSorted(), events.toSorted()])
  return textOf(one) === textOf(other)
}
