import type { EpochMs } from '@damson/core'
import type { KeyClass } from '@damson/core/protocol'
import type { Store } from '../store/store.ts'
import type { App } from './app.ts'
import { authorize, type KeyRing, keyRing, NO_KEYS } from './authorize.ts'
import { NAME_KINDS, NameBook, type NameKind } from './names.ts'

/** An app with what is made of it once and not for every request. */
export interface KnownApp {
  readonly app: App
  readonly ring: KeyRing
  readonly names: NameBook
}

/** The kind of documents that hold the fingerprints of an app's names, one document for each kind of name. */
const NAMES = 'names'

/**
 * The apps as this process knows them: read from the store, changed through here and, where processes share a store, read
 * again.
 */
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
    await this.#store.saveApp(app)
    this.#put(app)
  }

  /** Takes over what other processes changed; where there are none, nothing. */
  async refresh(): Promise<void> {
    if (this.#store.isShared !== true || !this.#isLoaded) return
    for (const app of await this.#store.apps()) {
      const known = this.#known.get(app.appId)
      if (known === undefined) await this.#add(app)
      else if (JSON.stringify(known.app) !== JSON.stringify(app)) this.#put(app)
    }
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
      await this.#saveNames(known)
    })
    // A name that could not be saved is noted again when it is next met after a restart: nothing else depends on it.
    this.#saving = this.#saving.catch(() => undefined)
  }

  /** Resolves when every name noted so far was written down. */
  async settled(): Promise<void> {
    await this.#saving
  }

  /** Adds ours to those that are there: another process may have met others. */
  async #saveNames({ app, names }: KnownApp): Promise<void> {
    const met = names.toJSON()
    await this.#store.changeDocuments(app.appId, NAMES, ({ documents }) => {
      const put: Record<string, readonly string[]> = {}
      for (const kind of NAME_KINDS) {
        const before = (documents.get(kind) ?? []) as readonly string[]
        names.take(kind, before)
        const all = new Set([...before, ...met[kind]])
        if (all.size > before.length) put[kind] = [...all]
      }
      return { answer: null, put }
    })
  }

  async #read(): Promise<void> {
    for (const app of await this.#store.apps()) await this.#add(app)
    this.#isLoaded = true
  }

  async #add(app: App): Promise<void> {
    const { documents } = await this.#store.documents(app.appId, NAMES)
    const { names } = this.#put(app)
    for (const kind of NAME_KINDS) names.take(kind, (documents.get(kind) ?? []) as readonly string[])
  }

  #put(app: App): KnownApp {
    const before = this.#known.get(app.appId)?.names.toJSON()
    const known = { app, ring: keyRing(app), names: new NameBook(app) }
    if (before !== undefined) for (const kind of NAME_KINDS) known.names.take(kind, before[kind])
    this.#known.set(app.appId, known)
    return known
  }
}
