// @ts-check
import { parentPort, workerData } from 'node:worker_threads'
import { closeDatabase, openDatabase } from './database.mjs'
import { createTables } from './tables.mjs'

// The thread that owns the file. It carries out calls one after the other, in the order they were made.

const port = parentPort
if (port === null) throw new Error('Expected to run as a worker thread of sqlite-store, but this is the main thread.')

try {
  const database = await openDatabase(workerData)
  const tables = createTables(database)
  port.on('message', ({ id, method, args }) => {
    try {
      if (method === 'close') closeDatabase(database, workerData.file)
      const value = method === 'close' ? undefined : /** @type {any} */ (tables)[method](...args)
      port.postMessage({ id, value })
      if (method === 'close') port.close()
    } catch (error) {
      port.postMessage({ id, error })
    }
  })
  port.postMessage({ id: 0, value: tables.opened() })
} catch (error) {
  const { kind = 'unusable', pid = null, message } = /** @type {any} */ (error)
  port.postMessage({ id: 0, error: { kind, pid, message } })
  port.close()
}
