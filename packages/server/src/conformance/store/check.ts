import type { Store } from '../../store/store.ts'

/** What the suite asks for when it opens a store. */
export interface StoreWish {
  readonly lockWaitMs?: number
  readonly maxPendingTurns?: number
}

export interface OpenedStore {
  readonly store: Store
  /** Closes the store and opens the same data again; absent if the data does not outlive the store. */
  readonly reopen?: () => Promise<Store>
  /** Called at the end of each test, when the store is closed. */
  readonly cleanUp?: () => Promise<void>
}

/** One test of the suite, in a store of its own. */
export type Check = (title: string, use: (store: Store) => Promise<void>, wish?: StoreWish) => void
