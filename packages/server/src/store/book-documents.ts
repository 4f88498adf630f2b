import type { DocumentRows } from './backend.ts'
import type { DocumentRevision, Documents, DocumentSet } from './documents.ts'
import type { Group } from './group.ts'

/** What the documents of a book need of it. */
export interface DocumentMedium {
  read(appId: string, kind: string): Promise<DocumentRows>
  revisions(): Promise<readonly DocumentRevision[]>
  /** Resolves when what was added is durable. */
  write(add: (group: Group) => void): Promise<void>
}

/** Documents of a process that owns its data: changes of one kind of one app run one after the other. */
export function createDocuments(medium: DocumentMedium): Documents {
  const queues = new Map<string, Promise<unknown>>()

  async function documents(appId: string, kind: string): Promise<DocumentSet> {
    const { revision, rows } = await medium.read(appId, kind)
    return { revision, documents: new Map(rows.map(([id, doc]) => [id, JSON.parse(doc) as unknown])) }
  }

  return {
    documents,
    revisions: () => medium.revisions(),
    changeDocuments(appId, kind, decide) {
      const key = JSON.stringify([appId, kind])
      const change = async () => {
        const before = await documents(appId, kind)
        const { answer, put = {} } = decide(before)
        const rows = Object.entries(put).map(([id, value]) => [id, value === null ? null : textOf(value)] as const)
        if (rows.length === 0) return answer
        await medium.write((group) => {
          for (const [id, doc] of rows) group.documents.push([appId, kind, id, doc])
          group.revisions.push([appId, kind, before.revision + 1])
        })
        return answer
      }
      const earlier = queues.get(key) ?? Promise.resolve()
      const result = earlier.then(change, change)
      queues.set(key, result)
      // The last in the queue tidies up; its caller hears of the failure, not this line.
      const tidy = () => void (queues.get(key) === result && queues.delete(key))
      result.then(tidy, tidy)
      return result
    },
  }
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('Expected a document to be JSON, but it is undefined.')
  return text
}
