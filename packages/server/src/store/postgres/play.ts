import { keyOf } from '../shelves.ts'
import { playGuessing } from './guess.ts'
import { lockAndLoad } from './load.ts'
import type { Task } from './task.ts'
import {
  decideAll,
  type End,
  installOwners,
  lockOwners,
  needOf,
  type Player,
  readOwners,
  StaleReadError,
} from './turns.ts'
import { createWork, type Work } from './work.ts'
import { write } from './write.ts'

/** A turn that was decided so often on a row that others changed meanwhile locks it. */
const MISSES_MAX = 2

/**
 * Plays turns in one transaction, in their order, each alone with all rows it concerns. Narrow turns are about one row each,
 * and are played on what is remembered, where that is worth it; wide ones read and lock whatever they may touch. When it resolves the transaction is
 * committed; when it rejects nothing is kept, unless nobody knows.
 */
export function playGroup(player: Player, tasks: readonly Task[], isWide: boolean): Promise<readonly End[]> {
  const mayGuess = player.isGuessing && !isWide && tasks.every(({ misses }) => misses < MISSES_MAX)
  const isGuessing = mayGuess && player.remembered.isTried()
  return isGuessing ? playGuessing(player, tasks) : playLocking(player, tasks, isWide)
}

async function playLocking(player: Player, tasks: readonly Task[], isWide: boolean): Promise<readonly End[]> {
  const { sessions, owners } = player
  const result = await sessions.within(async (transaction) => {
    const ownersBefore = isWide ? await readOwners(transaction, player, tasks) : null
    const need = needOf(player, tasks, ownersBefore)
    const work = createWork(player.secrets())
    const [, isSame] = await Promise.all([
      lockAndLoad(transaction, player, need, work),
      ownersBefore === null ? true : lockOwners(transaction, player, tasks, ownersBefore),
    ])
    if (!isSame) throw new StaleReadError('Expected devices to keep their users while they are locked.')
    if (ownersBefore !== null) installOwners(work, ownersBefore)
    const ends = decideAll(player, work, tasks, isWide)
    await write(transaction, player, work, player.clock.now())
    return { ends, work }
  })
  owners.learn(result.work)
  forget(player, result.work)
  return result.ends
}

/** What was written has another version now. */
function forget({ remembered }: Player, { rows }: Work): void {
  for (const { held, userId } of rows.values())
    for (const id of [userId, held.userId]) remembered.forget(keyOf(held.appId, id))
}
