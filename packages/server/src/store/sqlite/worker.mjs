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
  /** @param {{ method: string, args: readonly unknown[] }} call */
  const carryOut = ({ method, args }) => {
    try {
      if (method === 'close') return { value: closeDatabase(database, workerData.file) }
      if (method !== 'move') tables.refuseIfHeld()
      return { value: /** @type {any} */ (tables)[method](...args) }
    } catch (error) {
      return { error }
    }
  }
  port.on('message', (calls) => {
    port.postMessage(calls.map(carryOut))
    if (calls.at(-1).method === 'close') port.close()
  })
  port.postMessage([{ value: tables.opened() }])
} catch (error) {
  const { kind = 'unusable', pid = null, message } = /** @type {any} */ (error)
  port.postMessage([{ error: { kind, pid, message } }])
  port.close()
}
