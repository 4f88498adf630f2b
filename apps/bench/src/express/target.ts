import express from 'express'
import type { AddressInfo } from 'node:net'
import { quantile } from '../statistics.ts'
import { LIBRARIES, type LibraryName } from './libraries.ts'

/**
 * The same Express app with one library or none, in a process of its own. Its parent asks for `flush` after each measurement
 * and is told the processor time spent since the one before, delivery included.
 */
const [name = '', origin = '', room = ''] = process.argv.slice(2)
const app = express()
/** Processor time between a request's arrival and its route, which no other process of a busy machine adds to. */
let beforeRoute: number[] = []
// What measuring takes would be a tenth of a request, so it is left out where throughput is measured.
const isTimed = room !== 'roomy'
if (isTimed)
  app.use((_request, response, next) => {
    response.locals['began'] = process.cpuUsage()
    next()
  })
const { track, flush } = await LIBRARIES[name as LibraryName](app, { origin, hasRoom: room === 'roomy' })
if (isTimed)
  app.use((_request, response, next) => {
    const { user, system } = process.cpuUsage(response.locals['began'] as NodeJS.CpuUsage)
    beforeRoute.push(user + system)
    next()
  })
let tracked = 0
app.get('/items/:item', (request, response) => {
  tracked += 1
  track(request, request.params.item)
  response.json({ item: request.params.item, price: 3.5 })
})

let unhandled = 0
process.on('unhandledRejection', () => (unhandled += 1))
let before = process.cpuUsage()

async function measured(): Promise<void> {
  await flush()
  const { user, system } = process.cpuUsage(before)
  const beforeRouteMicroseconds = isTimed ? quantile(beforeRoute, 0.99) : 0
  const rssBytes = process.memoryUsage.rss()
  process.send?.({ cpuMicroseconds: user + system, beforeRouteMicroseconds, rssBytes, unhandled, tracked })
  beforeRoute = []
  tracked = 0
  before = process.cpuUsage()
}

process.on('message', (message) => void (message === 'stop' ? process.exit(0) : measured()))
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
server.keepAliveTimeout = 0
