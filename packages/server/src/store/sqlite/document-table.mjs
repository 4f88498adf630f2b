// @ts-check

/** @import { Batch, DocumentRows } from '../backend.ts' */
/** @import { DocumentRevision } from '../documents.ts' */

/** @param {(sql: string) => { run(...values: any[]): any, get(...values: any[]): any, all(...values: any[]): any[] }} prepare */
export function createDocumentTable(prepare) {
  const save = prepare('INSERT OR REPLACE INTO documents (app_id, kind, id, doc) VALUES (?, ?, ?, ?)')
  const remove = prepare('DELETE FROM documents WHERE app_id = ? AND kind = ? AND id = ?')
  const ofKind = prepare('SELECT id, doc FROM documents WHERE app_id = ? AND kind = ? ORDER BY id')
  const setRevision = prepare('INSERT OR REPLACE INTO revisions (app_id, kind, revision) VALUES (?, ?, ?)')
  const revisionOf = prepare('SELECT revision FROM revisions WHERE app_id = ? AND kind = ?')
  const allRevisions = prepare('SELECT app_id AS appId, kind, revision FROM revisions')

  return {
    /** @param {Pick<Batch, 'documents' | 'revisions'>} batch */
    write({ documents, revisions }) {
      for (const [appId, kind, id, doc] of documents) {
        if (doc === null) remove.run(appId, kind, id)
        else save.run(appId, kind, id, doc)
      }
      for (const row of revisions) setRevision.run(...row)
    },

    calls: {
      /**
       * @param {string} appId
       * @param {string} kind
       * @returns {DocumentRows}
       */
      documents: (appId, kind) => ({
        revision: Number(revisionOf.get(appId, kind)?.revision ?? 0),
        rows: ofKind.all(appId, kind).map(({ id, doc }) => [id, doc]),
      }),

      /** @returns {readonly DocumentRevision[]} */
      revisions: () => allRevisions.all(),
    },
  }
}
