import { setTimeout as pause } from 'node:timers/promises'
import { DamsonError } from '@damson/core'
import type { Store } from '../store/store.ts'
import type { Terminal } from './terminal.ts'

const LOOK_EVERY_MS = 200

/** Opens a store as soon as the move into it has ended: a server that was started before answers right after it. */
export async function waitForMove(open: () => Promise<Store>, { print, interrupted }: Terminal): Promise<Store> {
  let isInterrupted = false
  void interrupted.then(() => (isInterrupted = true))
  for (let isTold = false; ; isTold = true) {
    try {
      return await open()
    } catch (error) {
      if (!DamsonError.isInstance(error, 'STORE_MOVING') || isInterrupted) throw error
    }
    if (!isTold) print('waiting for the move into this database to end')
    await Promise.race([pause(LOOK_EVERY_MS), interrupted])
  }
}
