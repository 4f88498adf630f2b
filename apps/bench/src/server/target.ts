import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, memoryStore } from '@damson/server'
import { listen } from '@damson/server/node'
import { postgresStore } from '@damson/server/postgres'
import { sqliteStore } from '@damson/server/sqlite'
import { APP_ID, PRODUCTION_KEY } from './bodies.ts'

/**
 * A server in a process of its own: `bare`, which only parses and answers; `memory`, ours with storage off; or `sqlite` and
 * `postgres`, ours with everything on. Tells its parent the port, then the processor time it has used whenever the parent asks; stops when
 * the parent says so.
 */
const [, , kind, folder = '', database = ''] = process.argv

async function start(): Promise<{ port: number; stop(): Promise<void> }> {
  if (kind === 'bare') return bare()
  const store = await openStore()
  const apps = [{ appId: APP_ID, name: 'Bench', keys: { production: [PRODUCTION_KEY] } }]
  return listen({ server: createServer({ store, apps }), host: '127.0.0.1', port: 0 })
}

function openStore() {
  if (kind === 'memory') return memoryStore()
  return kind === 'postgres' ? postgresStore({ url: database }) : sqliteStore({ file: join(folder, 'damson.db') })
}

/** What any server on this platform has to do: read the body, parse it, write an answer of the same form. */
async function bare(): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createHttpServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data?: unknown[] }
      const response = Array.from({ length: data?.length ?? 1 }, () => ({ success: true }))
      res.writeHead(200, { 'Content-Type': 'application/json;charset=utf-8', 'Access-Control-Allow-Origin': '*' })
      res.end(JSON.stringify({ response }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, stop: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()) }
}

const running = await start()
process.send?.({ port: running.port })
process.on('message', (message) => {
  if (message === 'stop') void running.stop().then(() => process.exit(0))
  const { user, system } = process.cpuUsage()
  if (message === 'usage') process.send?.({ microseconds: user + system })
})
