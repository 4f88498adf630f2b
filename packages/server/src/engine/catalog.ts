import type { DocumentChange, Documents, DocumentSet } from '../store/store.ts'

/** A kind of documents that deciders look at, and what is made of it once per change instead of once per request. */
export interface CatalogKind<T> {
  readonly name: string
  /** Pure. Documents were checked when they were put; what cannot be read all the same is a mistake of ours. */
  compile(documents: DocumentSet['documents']): T
}

interface Known {
  readonly revision: number
  readonly compiled: unknown
}

/** The documents of all apps, compiled, in this process: what deciders may ask at once. */
export class Catalog {
  readonly #store: Documents
  readonly #kinds: ReadonlyMap<string, CatalogKind<unknown>>
  readonly #known = new Map<string, Known>()
  /** What an app without documents has. */
  readonly #empty = new Map<string, unknown>()
  #refreshing: Promise<void> | null = null

  constructor(store: Documents, kinds: readonly CatalogKind<unknown>[]) {
    this.#store = store
    this.#kinds = new Map(kinds.map((kind) => [kind.name, kind]))
    for (const kind of kinds) this.#empty.set(kind.name, kind.compile(new Map()))
  }

  /** What the app's documents of this kind come to, as far as this process has heard. */
  of<T>(appId: string, kind: CatalogKind<T>): T {
    const known = this.#known.get(keyOf(appId, kind.name))
    // What is under a kind's name was made by that kind.
    return (known === undefined ? this.#empty.get(kind.name) : known.compiled) as T
  }

  revision(appId: string, kind: CatalogKind<unknown>): number {
    return this.#known.get(keyOf(appId, kind.name))?.revision ?? 0
  }

  /** Changes documents, and takes the change over here before it resolves. @see Documents.changeDocuments */
  async change<T>(
    appId: string,
    kind: CatalogKind<unknown>,
    decide: (set: DocumentSet) => DocumentChange<T>,
  ): Promise<T> {
    const answer = await this.#store.changeDocuments(appId, kind.name, decide)
    await this.#read(appId, kind)
    return answer
  }

  /** Takes over what changed elsewhere. Calls that overlap share one look. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null))
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const changed = (await this.#store.revisions()).filter(
      ({ appId, kind, revision }) => revision !== this.#known.get(keyOf(appId, kind))?.revision,
    )
    const reads = changed.flatMap(({ appId, kind }) => {
      const wanted = this.#kinds.get(kind)
      return wanted === undefined ? [] : [this.#read(appId, wanted)]
    })
    await Promise.all(reads)
  }

  async #read(appId: string, kind: CatalogKind<unknown>): Promise<void> {
    const { revision, documents } = await this.#store.documents(appId, kind.name)
    const key = keyOf(appId, kind.name)
    // Reads may overtake each other; the newest stays.
    if (revision <= (this.#known.get(key)?.revision ?? 0)) return
    this.#known.set(key, { revision, compiled: kind.compile(documents) })
  }
}

function keyOf(appId: string, kind: string): string {
  return `${kind}\0${appId}`
}
