import { MINUTE_MS } from '@damson/core'
import type { TestServer } from '@damson/server/testing'

/** One line of what the engine wrote down. */
type Entry = Awaited<ReturnType<TestServer['entries']>>[number]

const APP = 'app_test'

/** What the engine wrote down of all its users; in these tests there is one person, who may have been anonymous at first. */
export async function historyOf({ store }: TestServer): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for await (const { entry } of store.entries({ appId: APP })) entries.push(entry)
  return entries
}

/** The phases of all sessions that are not closed, whoever has them. */
export async function openPhases({ store }: TestServer): Promise<readonly string[]> {
  const phases: string[] = []
  for await (const { sessions } of store.profiles(APP))
    phases.push(...Object.values(sessions).map(({ phase }) => phase))
  return phases.filter((phase) => phase !== 'closed')
}

/** Of each session that ended, in minutes: how long somebody looked. */
export async function minutesOf(engine: TestServer): Promise<readonly number[]> {
  const entries = await historyOf(engine)
  return entries.flatMap((entry) => (entry.kind === 'sessionEnded' ? [entry.durationMs / MINUTE_MS] : []))
}

/** The names of all events, sorted: which of two that are sent at the same moment comes first is nobody's to say. */
export async function eventsOf(engine: TestServer): Promise<readonly string[]> {
  const entries = await historyOf(engine)
  return entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : [])).toSorted()
}

export async function purchasesOf(engine: TestServer): Promise<readonly (number | undefined)[]> {
  const entries = await historyOf(engine)
  return entries.flatMap((entry) => (entry.kind === 'event' && entry.name === 'Purchase' ? [entry.value] : []))
}

/** Asks again until it is so: how long a browser takes is its own affair. The runner's time-out is the end of it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => void setTimeout(resolve, 10))
}
