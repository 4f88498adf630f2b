import type { DocumentChange, Documents, DocumentSet } from '../store/store.ts'

/** A kind of documents that deciders look at, and what is made of it once per change instead of once per request. */
export interface CatalogKind<T> {
  readonly name: string
  /** Pure. Documents were checked when they were put; what cannot be read all the same is a mistake of ours. */
  compile(documents: DocumentSet['documents']): T
}

/** What this process knows of one kind. */
interface Shelf {
  readonly kind: CatalogKind<unknown>
  /** What an app without documents has. */
  readonly empty: unknown
  readonly apps: Map<string, Known>
}

interface Known {
  readonly revision: number
  readonly compiled: unknown
}

/** The documents of all apps, compiled, in this process: what deciders may ask at once. */
export class Catalog {
  readonly #store: Documents
  readonly #shelves: ReadonlyMap<string, Shelf>
  #refreshing: Promise<void> | null = null

  constructor(store: Documents, kinds: readonly CatalogKind<unknown>[]) {
    this.#store = store
    const shelves = kinds.map((kind): Shelf => ({ kind, empty: kind.compile(new Map()), apps: new Map() }))
    this.#shelves = new Map(shelves.map((shelf) => [shelf.kind.name, shelf]))
  }

  /** What the app's documents of this kind come to, as far as this process has heard. */
  of<T>(appId: string, kind: CatalogKind<T>): T {
    const { apps, empty } = this.#shelf(kind)
    const known = apps.get(appId)
    // What is under a kind's name was made by that kind.
    return (known === undefined ? empty : known.compiled) as T
  }

  revision(appId: string, kind: CatalogKind<unknown>): number {
    return this.#shelf(kind).apps.get(appId)?.revision ?? 0
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
    const reads = (await this.#store.revisions()).flatMap(({ appId, kind: name, revision }) => {
      const shelf = this.#shelves.get(name)
      const isNew = shelf !== undefined && shelf.apps.get(appId)?.revision !== revision
      return isNew ? [this.#read(appId, shelf.kind)] : []
    })
    await Promise.all(reads)
  }

  async #read(appId: string, kind: CatalogKind<unknown>): Promise<void> {
    const { revision, documents } = await this.#store.documents(appId, kind.name)
    // Reads may overtake each other; the newest stays.
    if (revision <= this.revision(appId, kind)) return
    this.#shelf(kind).apps.set(appId, { revision, compiled: kind.compile(documents) })
  }

  #shelf({ name }: CatalogKind<unknown>): Shelf {
    const shelf = this.#shelves.get(name)
    if (shelf === undefined) throw new Error(`Expected the catalog to hold documents of the kind '${name}'.`)
    return shelf
  }
}
