import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The command line as it is published. */
export const MAIN = fileURLToPath(import.meta.resolve('@damson/server/package.json')).replace(
  /package\.json$/,
  'dist/cli/main.js',
)

export const APP = { appId: 'shop', name: 'Shop', keys: { production: ['prod'], dataExport: ['export'] } }

export async function migrate(url: string, ...flags: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [MAIN, 'migrate', '--postgres', url, ...flags])
}

export interface NodeOptions {
  /** `null`: it keeps everything in the folder. */
  readonly url: string | null
  /** Where its configuration and files lie. */
  readonly folder: string
  readonly flags?: readonly string[]
}

/** A `damson serve` in a process of its own. */
export interface ServerNode {
  /** `null` while it is not there. */
  readonly port: number | null
  /** Resolves when it listens. */
  start(flags?: readonly string[]): Promise<void>
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export function createNode({ url, folder, flags = [] }: NodeOptions): ServerNode {
  const config = join(folder, 'apps.json')
  writeFileSync(config, JSON.stringify({ apps: [APP] }))
  const store = url === null ? [] : ['--postgres', url]
  const fixed = ['serve', '--port', '0', ...store, '--data', folder, '--config', config]
  let child: ChildProcess | null = null
  let port: number | null = null

  async function ended(signal: NodeJS.Signals): Promise<void> {
    if (child === null) return
    const end = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
    port = null
    child.kill(signal)
    await end
  }

  return {
    get port() {
      return port
    },
    async start(more = []) {
      const own = spawn(process.execPath, [MAIN, ...fixed, '--log-level', 'silent', ...flags, ...more], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child = own
      port = await new Promise<number>((resolve, reject) => {
        own.stdout.on('data', (text: Buffer) => {
          const found = /listening on \S+:(\d+)/.exec(text.toString())?.[1]
          if (found !== undefined) resolve(Number(found))
        })
        own.once('exit', (code, signal) => reject(new Error(`a node ended with ${code ?? signal} before it listened`)))
      })
      own.once('exit', () => {
        if (child === own) port = null
      })
    },
    kill: () => ended('SIGKILL'),
    stop: () => ended('SIGTERM'),
  }
}

export interface Answer {
  readonly status: number
  readonly body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity })

/** Posts JSON. Rejects when the connection breaks: then nobody knows. */
export function post(port: number, path: string, body: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    asked.on('error', reject)
    asked.end(text)
  })
}

export function act(port: number, args: object): Promise<Answer> {
  return post(port, '/api', { appId: APP.appId, clientKey: 'prod', ...args })
}

export const closeConnections = () => agent.destroy()
