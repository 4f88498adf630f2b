import type { Backend, Batch } from './backend.ts'

export interface MemoryDocuments extends Pick<Backend, 'documents' | 'revisions'> {
  write(documents: Batch['documents'], revisions: Batch['revisions']): void
}

interface Kind {
  readonly appId: string
  readonly kind: string
  revision: number
  readonly rows: Map<string, string>
}

/** The documents of the memory backend. */
export function memoryDocuments(): MemoryDocuments {
  const kinds = new Map<string, Kind>()

  function kindOf(appId: string, kind: string): Kind {
    const key = JSON.stringify([appId, kind])
    const known = kinds.get(key) ?? { appId, kind, revision: 0, rows: new Map() }
    kinds.set(key, known)
    return known
  }

  return {
    write(documents, revisions) {
      for (const [appId, kind, id, doc] of documents) {
        if (doc === null) kindOf(appId, kind).rows.delete(id)
        else kindOf(appId, kind).rows.set(id, doc)
      }
      for (const [appId, kind, revision] of revisions) kindOf(appId, kind).revision = revision
    },
    async documents(appId, kind) {
      const { revision, rows } = kindOf(appId, kind)
      return { revision, rows: [...rows].sort(([one], [two]) => (one < two ? -1 : 1)) }
    },
    revisions: async () =>
      [...kinds.values()].flatMap(({ appId, kind, revision }) => (revision === 0 ? [] : [{ appId, kind, revision }])),
  }
}
