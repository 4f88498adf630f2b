import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publicFileOf, publicFileUrl } from '../engine/public-files.ts'
import { createServer as createDamson } from '../server.ts'
import { type Files, folderFiles, memoryFiles } from '../store/files.ts'
import { memoryStore } from '../store/memory.ts'
import { toNodeListener } from './listener.ts'

const MEBIBYTE = 1024 * 1024

/** Three mebibytes in pieces, so that nothing fits into one write of a socket. */
function* pieces(): Generator<Uint8Array> {
  for (let piece = 0; piece < 48; piece++) yield Buffer.alloc(MEBIBYTE / 16, piece)
}

describe.each([
  ['memory', () => ({ files: memoryFiles(), clean: () => {} })],
  ['a folder', inFolder],
] as const)('files in %s', (_, make) => {
  let files: Files
  let clean: () => void
  beforeEach(() => ({ files, clean } = make()))
  afterEach(() => clean())

  test('are served whole to whoever knows the name, by fetch and by a socket alike [J-01]', async () => {
    await files.put('public/ab12/data.csv', pieces())
    const server = createDamson({ store: memoryStore(), files })
    const http = createServer(toNodeListener(server))
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const wanted = Buffer.concat([...pieces()])
    for (const [base, get] of [
      ['http://test', (url: string, init?: RequestInit) => server.fetch(new Request(url, init))],
      [origin, (url: string, init?: RequestInit) => fetch(url, init)],
    ] as const) {
      const response = await get(`${base}/files/ab12/data.csv`)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/csv;charset=utf-8')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(Buffer.from(await response.arrayBuffer()).equals(wanted)).toBe(true)

      const head = await get(`${base}/files/ab12/data.csv`, { method: 'HEAD' })
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(3 * MEBIBYTE)])
      expect((await head.arrayBuffer()).byteLength).toBe(0)
    }
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    await server.stop()
  })

  test('outside the public ones, absent ones and impossible names are all the same 404', async () => {
    await files.put('jobs/secret.csv', [Buffer.from('secret')])
    const server = createDamson({ store: memoryStore(), files })
    for (const path of ['secret.csv', '../jobs/secret.csv', '..%2fjobs%2fsecret.csv', 'nope', '', 'a//b', '%00']) {
      const response = await server.fetch(new Request(`http://test/files/${path}`))
      expect([path, response.status]).toEqual([path, 404])
    }
    expect((await server.fetch(new Request('http://test/files/x', { method: 'POST' }))).status).toBe(404)
    await server.stop()
  })
})

test('an address leads back to its file under any mount', () => {
  const name = 'public/export-1-output-0'
  for (const base of ['https://example.com', 'https://example.com/analytics']) {
    expect(publicFileOf(new URL(publicFileUrl(base, name)).pathname)).toBe(name)
  }
  expect(publicFileOf('/api')).toBeNull()
  expect(() => publicFileUrl('', 'jobs/1')).toThrow('public file')
})

function inFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'damson-files-'))
  return { files: folderFiles(folder), clean: () => rmSync(folder, { recursive: true }) }
}
