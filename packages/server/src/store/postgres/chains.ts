import type { Task } from './task.ts'

/** Turns that name the same ids, directly or through each other, in the order in which they came. */
export interface Chain {
  /** The chain this one became a part of. */
  parent: Chain | null
  ids: string[]
  tasks: Task[]
  /** Groups under way that play turns of it. */
  running: number
  /** Since when its oldest turn that is not finished waits. */
  since: number
}

export interface Chains {
  /** Puts a turn behind those it shares an id with. @param alsoId an id it does not name but is about */
  add(task: Task, alsoId: string | null): void
  /** Since when turns wait that share an id with this one; `null`: none does. */
  busySince(task: Task): number | null
  /** Those with turns waiting and none under way, the longest waiting first. */
  ready(): Iterable<Chain>
  start(chain: Chain): void
  /** A group that played turns of it has ended; `again` are those to be played once more, in their order. */
  end(chain: Chain, again: readonly Task[]): void
}

export function createChains(): Chains {
  const byId = new Map<string, Chain>()
  const readyChains = new Set<Chain>()

  function join(one: Chain, two: Chain): Chain {
    const [kept, gone] = one.ids.length >= two.ids.length ? [one, two] : [two, one]
    for (const id of gone.ids) {
      kept.ids.push(id)
      byId.set(id, kept)
    }
    kept.tasks = [...kept.tasks, ...gone.tasks].sort((first, second) => first.order - second.order)
    kept.running += gone.running
    kept.since = Math.min(kept.since, gone.since)
    gone.parent = kept
    gone.ids = []
    gone.tasks = []
    readyChains.delete(gone)
    if (kept.running > 0) readyChains.delete(kept)
    return kept
  }

  function add(task: Task, alsoId: string | null): void {
    const ids = alsoId === null ? task.ids : [...task.ids, alsoId]
    let chain: Chain | null = null
    for (const id of ids) {
      const known = byId.get(id)
      if (known !== undefined && known !== chain) chain = chain === null ? known : join(chain, known)
    }
    chain ??= { parent: null, ids: [], tasks: [], running: 0, since: task.since }
    for (const id of ids) {
      // Its own already, or of one that joined it.
      if (byId.get(id) === chain) continue
      chain.ids.push(id)
      byId.set(id, chain)
    }
    chain.tasks.push(task)
    if (chain.running === 0) readyChains.add(chain)
  }

  function end(ended: Chain, again: readonly Task[]): void {
    const chain = rootOf(ended)
    chain.running -= 1
    if (again.length > 0) chain.tasks = [...again, ...chain.tasks].sort((one, two) => one.order - two.order)
    if (chain.running > 0) return
    const [first] = chain.tasks
    if (first === undefined) {
      for (const id of chain.ids) byId.delete(id)
      chain.ids = []
      return
    }
    chain.since = first.since
    readyChains.add(chain)
  }

  return {
    add,
    busySince(task) {
      let oldest: number | null = null
      for (const id of task.ids) {
        const since = byId.get(id)?.since
        if (since !== undefined && (oldest === null || since < oldest)) oldest = since
      }
      return oldest
    },
    ready: () => readyChains,
    start(chain) {
      chain.running += 1
      readyChains.delete(chain)
    },
    end,
  }
}

function rootOf(chain: Chain): Chain {
  let root = chain
  while (root.parent !== null) root = root.parent
  return root
}
