import type { App } from '../../engine/app.ts'
import type { DocumentChange, DocumentRevision, Documents, DocumentSet } from '../documents.ts'
import { decodeId, encodeId } from './keys.ts'
import type { Sessions, Transaction } from './session.ts'

/** What belongs to an app rather than to a user: few and small, and on Citus on every node. */
export interface AppTables extends Documents {
  apps(): Promise<readonly App[]>
  saveApp(app: App): Promise<void>
}

export function createAppTables(sessions: Sessions): AppTables {
  const queues = new Map<string, Promise<unknown>>()

  async function read({ run }: Transaction, appId: string, kind: string): Promise<DocumentSet> {
    const values = [encodeId(appId), encodeId(kind)]
    const [sets, found] = await Promise.all([
      run({ text: 'SELECT revision FROM document_sets WHERE app_id = $1 AND kind = $2', values }),
      run({ text: 'SELECT id, doc FROM documents WHERE app_id = $1 AND kind = $2', values }),
    ])
    const rows = found.rows.map(({ id, doc }) => [decodeId(String(id)), JSON.parse(String(doc)) as unknown] as const)
    rows.sort(([one], [two]) => (one < two ? -1 : 1))
    return { revision: Number(sets.rows[0]?.revision ?? 0), documents: new Map(rows) }
  }

  /** Alone with the row of the set, which is there from the first change on. */
  async function change<T>(
    transaction: Transaction,
    appId: string,
    kind: string,
    decide: (set: DocumentSet) => DocumentChange<T>,
  ): Promise<T> {
    const { run } = transaction
    const key = [encodeId(appId), encodeId(kind)]
    void run({
      text: `INSERT INTO document_sets VALUES ($1, $2, 0) ON CONFLICT (app_id, kind) DO NOTHING`,
      values: key,
    })
    void run({ text: 'SELECT 1 FROM document_sets WHERE app_id = $1 AND kind = $2 FOR UPDATE', values: key })
    const set = await read(transaction, appId, kind)
    const { answer, put = {} } = decided(() => decide(set))
    const entries = Object.entries(put)
    for (const [id, value] of entries) {
      if (value === null)
        void run({
          text: 'DELETE FROM documents WHERE app_id = $1 AND kind = $2 AND id = $3',
          values: [...key, encodeId(id)],
        })
      else
        void run({
          text: `INSERT INTO documents VALUES ($1, $2, $3, $4)
                 ON CONFLICT (app_id, kind, id) DO UPDATE SET doc = excluded.doc`,
          values: [...key, encodeId(id), decided(() => textOf(value))],
        })
    }
    if (entries.length > 0)
      void run({
        text: 'UPDATE document_sets SET revision = revision + 1 WHERE app_id = $1 AND kind = $2',
        values: key,
      })
    return answer
  }

  return {
    documents: (appId, kind) => sessions.within((transaction) => read(transaction, appId, kind)),
    changeDocuments(appId, kind, decide) {
      const key = JSON.stringify([appId, kind])
      const turn = async () => {
        // What changes nothing locks nothing: a lock takes every node of Citus, and one may be away.
        const set = await sessions.within((transaction) => read(transaction, appId, kind))
        const { answer, put = {} } = decided(() => decide(set))
        if (Object.keys(put).length === 0) return answer
        return sessions.within((transaction) => change(transaction, appId, kind, decide))
      }
      // Those of one process need not wait for each other in the database.
      const result = (queues.get(key) ?? Promise.resolve()).then(turn, turn)
      queues.set(key, result)
      const tidy = () => void (queues.get(key) === result && queues.delete(key))
      result.then(tidy, tidy)
      return result
    },
    async revisions(): Promise<readonly DocumentRevision[]> {
      const { rows } = await sessions.within(({ run }) =>
        run({ text: 'SELECT app_id, kind, revision FROM document_sets WHERE revision > 0 ORDER BY app_id, kind' }),
      )
      return rows.map((row) => ({
        appId: decodeId(String(row.app_id)),
        kind: decodeId(String(row.kind)),
        revision: Number(row.revision),
      }))
    },
    async apps() {
      const { rows } = await sessions.within(({ run }) =>
        run({ text: 'SELECT doc FROM apps ORDER BY position, app_id' }),
      )
      return rows.map(({ doc }) => JSON.parse(String(doc)) as App)
    },
    async saveApp(app) {
      const values = [encodeId(app.appId), JSON.stringify(app)]
      const text = 'SELECT 1 FROM apps WHERE app_id = $1 AND doc = $2'
      const { rows } = await sessions.within(({ run }) => run({ text, values }))
      // What is there already is not written: that takes every node of Citus, and each server that starts says what it has.
      if (rows.length > 0) return
      await sessions.within(({ run }) =>
        run({
          text: `INSERT INTO apps (app_id, position, doc)
                 SELECT $1, coalesce(max(position), 0) + 1, $2 FROM apps
                 ON CONFLICT (app_id) DO UPDATE SET doc = excluded.doc`,
          values,
        }),
      )
    },
  }
}

/** A decision that failed is its caller's to hear of, and no failure of the database. */
export class DecisionError extends Error {}

function decided<T>(decide: () => T): T {
  try {
    return decide()
  } catch (cause) {
    throw new DecisionError('a decision failed', { cause })
  }
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('Expected a document to be JSON, but it is undefined.')
  return text
}
