import { mkdir, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outbox } from '../client/outbox-port.ts'
import { restored, storedOf, type StoredAction } from '../client/stored-action.ts'
import { createJournal, readJournal, type Journal } from './journal.ts'
import { forgetOwner, isAbandoned, newOwner, SIGN_OF_LIFE_MS } from './owner.ts'

export interface FolderOutboxOptions {
  /** How much it may hold on the disk; beyond it actions are kept in memory only. Default 64 MiB. */
  readonly maxBytes?: number
  /** When a new file is begun; a file goes when nothing in it is needed. Default 4 MiB. */
  readonly segmentBytes?: number
}

/**
 * Keeps accepted actions in a folder until they have arrived: they survive `kill -9` and, as each group is flushed to the
 * disk before `track()` resolves, a power cut. Several processes may name the same folder: each writes to a part of its own,
 * and what a dead one left behind is taken over by the next that opens it.
 */
export function folderOutbox(folder: string, options: FolderOutboxOptions = {}): Outbox {
  const { maxBytes = 64 * 1024 * 1024, segmentBytes = 4 * 1024 * 1024 } = options
  const owner = newOwner()
  const own = join(folder, owner)
  let journal: Journal | null = null
  let signs: ReturnType<typeof setInterval> | null = null

  /** Its actions go into our own journal before the folder goes: a crash between leaves both, and ids meet again. */
  async function takeOver(name: string, claim: string, into: Journal): Promise<StoredAction[]> {
    try {
      await rename(join(folder, name), claim)
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    const stored = [...(await readJournal(claim)).values()]
    await Promise.all(stored.map((action) => into.append(action)))
    await rm(claim, { recursive: true })
    return stored
  }

  return {
    async open() {
      await mkdir(own, { recursive: true })
      journal = createJournal(own, { maxBytes, segmentBytes })
      signs = setInterval(() => {
        // Only other hosts look at it; if it fails they wait for ten of them.
        utimes(own, new Date(), new Date()).catch(() => undefined)
      }, SIGN_OF_LIFE_MS)
      signs.unref()
      const byId = new Map<string, StoredAction>()
      let claims = 0
      for (const name of (await readdir(folder)).sort()) {
        if (!(await isAbandoned(join(folder, name), name))) continue
        claims += 1
        for (const action of await takeOver(name, join(folder, `${owner}+${claims}`), journal)) {
          byId.set(action.reqId, action)
        }
      }
      return [...byId.values()].sort(byAge).map(restored)
    },
    append(action, reqId) {
      if (journal === null) return Promise.reject(new Error('The outbox is not open.'))
      return journal.append(storedOf(action, reqId))
    },
    remove: (reqId) => journal?.remove(reqId),
    purge: async () => journal?.purge(),
    async close() {
      if (signs !== null) clearInterval(signs)
      await journal?.close()
      journal = null
      // Refused while files are left in it; those are for the next process.
      await rmdir(own).catch(() => undefined)
      forgetOwner(owner)
    },
  }
}

/** In the order they were accepted: by time, then by the counter in their id. */
function byAge(one: StoredAction, other: StoredAction): number {
  return one.time - other.time || counterOf(one) - counterOf(other)
}

function counterOf({ reqId }: StoredAction): number {
  return Number.parseInt(reqId.slice(reqId.lastIndexOf('-') + 1), 36)
}
