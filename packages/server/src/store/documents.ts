/**
 * Small documents of an app: rules, content, jobs. All of one `kind` are read and changed together, and there are few
 * (thousands at most). What they hold is plain JSON.
 */
export interface DocumentSet {
  /** Grows with every change of this kind in this app; 0 when there never was one. */
  readonly revision: number
  /** By id, in the order of the ids. */
  readonly documents: ReadonlyMap<string, unknown>
}

export interface DocumentChange<T> {
  readonly answer: T
  /** New values by id; `null` removes. Absent or empty: nothing changes. */
  readonly put?: Readonly<Record<string, unknown>>
}

export interface Documents {
  documents(appId: string, kind: string): Promise<DocumentSet>
  /**
   * Alone with one kind of one app, also against other processes: `decide` sees what every earlier change made of it and
   * runs synchronously. Resolves when durable. `decide` may run again if the commit has to be retried.
   */
  changeDocuments<T>(appId: string, kind: string, decide: (set: DocumentSet) => DocumentChange<T>): Promise<T>
  /** The revision of every kind of every app that has one: cheap, so that nodes may ask each second. */
  revisions(): Promise<readonly DocumentRevision[]>
}

export interface DocumentRevision {
  readonly appId: string
  readonly kind: string
  readonly revision: number
}
