import type { Item } from './turn.ts'

/** Actions that concern the same profile through the same ids, in order: one turn. */
export type Run = readonly Item[]

/**
 * Sorts the actions of a request into chains of runs. Runs of one chain share a user or a device, so they go one after
 * the other; chains have nothing in common and may go at once. Actions keep their order within a chain (specification 6.3).
 */
export function chainsOf(items: readonly Item[]): Run[][] {
  if (items.length === 1) return [[items]]
  const chains = items.every(isByUserAlone) ? byUser(items) : connected(items)
  return chains.map(runsOf)
}

/** The usual batch of a backend: every action names its user, and nothing else. */
function isByUserAlone({ common, args }: Item): boolean {
  return common.userId !== null && common.deviceId === null && newUserIdOf(args) === null
}

function byUser(items: readonly Item[]): Item[][] {
  const chains = new Map<string, Item[]>()
  for (const item of items) {
    const chain = chains.get(item.common.userId!)
    if (chain === undefined) chains.set(item.common.userId!, [item])
    else chain.push(item)
  }
  return [...chains.values()]
}

/** Actions are connected when they share an id; a user id may be a device's, so both are one kind. */
function connected(items: readonly Item[]): Item[][] {
  const leaders = new Map<string, string>()
  const leaderOf = (id: string): string => {
    let leader = leaders.get(id) ?? id
    while (leaders.has(leader) && leaders.get(leader) !== leader) leader = leaders.get(leader)!
    leaders.set(id, leader)
    return leader
  }
  for (const item of items) {
    const [first, ...others] = idsOf(item)
    for (const other of others) leaders.set(leaderOf(other), leaderOf(first!))
  }
  const chains = new Map<string, Item[]>()
  for (const item of items) {
    const leader = leaderOf(idsOf(item)[0]!)
    const chain = chains.get(leader)
    if (chain === undefined) chains.set(leader, [item])
    else chain.push(item)
  }
  return [...chains.values()]
}

function idsOf({ common, args }: Item): string[] {
  return [common.userId, common.deviceId, newUserIdOf(args)].filter((id): id is string => id !== null)
}

function runsOf(chain: readonly Item[]): Run[] {
  const runs: Item[][] = []
  let last: Item | undefined
  for (const item of chain) {
    if (last !== undefined && joins(last, item)) runs.at(-1)!.push(item)
    else runs.push([item])
    last = item
  }
  return runs
}

function joins(last: Item, item: Item): boolean {
  if (isSolitary(last) || isSolitary(item)) return false
  return last.common.userId === item.common.userId && last.common.deviceId === item.common.deviceId
}

/** After these the same ids may mean another profile, so nothing shares their turn. */
function isSolitary({ name, args }: Item): boolean {
  return name === 'deleteUser' || name === 'block' || newUserIdOf(args) !== null
}

/** The second profile an action names, if it does. */
export function newUserIdOf(args: unknown): string | null {
  return (args as { readonly newUserId?: string }).newUserId ?? null
}
