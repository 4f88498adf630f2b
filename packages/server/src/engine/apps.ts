import type { EpochMs } from '@damson/core'
import type { KeyClass } from '@damson/core/protocol'
import type { Store } from '../store/store.ts'
import type { App } from './app.ts'
import { authorize, type KeyRing, keyRing, NO_KEYS } from './authorize.ts'
import { NameBook, type NameKind } from './names.ts'

/** An app with what is made of it once and not for every request. */
export interface KnownApp {
  readonly app: App
  readonly ring: KeyRing
  readonly names: NameBook
}

/** The apps of this process: read from the store once, changed only through here. */
export class Apps {
  readonly #store: Store
  readonly #known = new Map<string, KnownApp>()
  readonly #namesToSave = new Set<string>()
  #loading: Promise<void> | null = null
  #isLoaded = false
  #saving: Promise<void> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  load(): Promise<void> {
    this.#loading ??= this.#read().catch((error: unknown) => {
      this.#loading = null
      throw error
    })
    return this.#loading
  }

  get(appId: string): KnownApp | undefined {
    return this.#known.get(appId)
  }

  all(): readonly App[] {
    return [...this.#known.values()].map(({ app }) => app)
  }

  async save(app: App): Promise<void> {
    const names = this.#known.get(app.appId)?.names.toJSON() ?? app.names
    const kept = names === undefined ? app : { ...app, names }
    await this.#store.saveApp(kept)
    this.#put(kept)
  }

  /** The class of the key; `null` for a wrong one, and, after the same work, for an app nobody knows. */
  authorize(known: KnownApp | undefined, clientKey: string, now: EpochMs): KeyClass | null {
    return authorize(known?.ring ?? NO_KEYS, clientKey, now)
  }

  /** Remembers names; writes them down soon. One that is lost in a crash is met again. */
  note(known: KnownApp, names: readonly (readonly [NameKind, string])[]): void {
    let isNew = false
    for (const [kind, name] of names) isNew = known.names.add(kind, name) || isNew
    if (!isNew) return
    const { appId } = known.app
    if (this.#namesToSave.has(appId)) return
    this.#namesToSave.add(appId)
    this.#saving = this.#saving.then(async () => {
      this.#namesToSave.delete(appId)
      await this.#store.saveApp({ ...known.app, names: known.names.toJSON() })
    })
    // A name that could not be saved is noted again when it is next met after a restart: nothing else depends on it.
    this.#saving = this.#saving.catch(() => undefined)
  }

  /** Resolves when every name noted so far was written down. */
  async settled(): Promise<void> {
    await this.#saving
  }

  async #read(): Promise<void> {
    for (const app of await this.#store.apps()) this.#put(app)
    this.#isLoaded = true
  }

  #put(app: App): void {
    this.#known.set(app.appId, { app, ring: keyRing(app), names: new NameBook(app) })
  }
}
