import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import Database from 'libsql'

// The yardstick: every row of the history, as it lies there, written to a file line by line. A process of its own, for its memory.

const [file = '', target = ''] = process.argv.slice(2)
const db = new Database(file, { readonly: true })
const beganAt = performance.now()
const out = createWriteStream(target, { flush: true })
let rows = 0
let pending = ''
for (const { data } of db.prepare('SELECT data FROM entries').iterate() as Iterable<{ data: string }>) {
  rows += 1
  pending += `${data}\n`
  if (pending.length < 64 * 1024) continue
  if (!out.write(pending)) await once(out, 'drain')
  pending = ''
}
out.end(pending)
await once(out, 'close')
process.stdout.write(`${JSON.stringify({ ms: performance.now() - beganAt, rows, bytes: out.bytesWritten })}\n`)
