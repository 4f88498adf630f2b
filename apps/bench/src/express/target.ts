import express from 'express'
import type { AddressInfo } from 'node:net'
import { LIBRARIES, type LibraryName } from './libraries.ts'

/**
 * The same Express app with one library or none, in a process of its own. Its parent asks for `flush` after each measurement
 * and is told the processor time spent since the one before, delivery included.
 */
const [name = '', origin = '', room = ''] = process.argv.slice(2)
const app = express()
const { track, flush } = await LIBRARIES[name as LibraryName](app, { origin, hasRoom: room === 'roomy' })
app.get('/items/:item', (request, response) => {
  track(request, request.params.item)
  response.json({ item: request.params.item, price: 3.5 })
})

let unhandled = 0
process.on('unhandledRejection', () => (unhandled += 1))
let before = process.cpuUsage()

async function measured(): Promise<void> {
  await flush()
  const { user, system } = process.cpuUsage(before)
  process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss(), unhandled })
  before = process.cpuUsage()
}

process.on('message', (message) => void (message === 'stop' ? process.exit(0) : measured()))
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
server.keepAliveTimeout = 0
