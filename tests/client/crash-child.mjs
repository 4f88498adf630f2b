// Tracks without pause until it is killed. Tells on its standard output which events it was told are safe.
import { writeSync } from 'node:fs'
import { createClient } from '@damson/core'
import { folderOutbox } from '@damson/core/outbox'

const [endpoint, folder, round, mode] = process.argv.slice(2)
const client = createClient({
  appId: 'app_test',
  clientKey: 'prod_test',
  endpoint,
  outbox: folderOutbox(folder),
  flushAt: 20,
  flushIntervalMs: 10,
  autoStart: false,
})
if (mode === 'drain') {
  const report = await client.close({ timeoutMs: 30_000 })
  writeSync(1, `drained ${report.pending}\n`)
} else {
  for (let count = 0; ; count += 1) {
    const name = `r${round}n${count}`
    const identity = count % 2 === 0 ? { userId: `user${count % 5}` } : { deviceId: `device${count % 5}` }
    await client.for(identity).track('Tick', { name })
    writeSync(1, `${name}\n`)
  }
}
