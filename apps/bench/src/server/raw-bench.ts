import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { type Spread, spreadOf } from '../statistics.ts'

const GROUP = 500
const ROW = JSON.stringify({ text: 'x'.repeat(560) })

/** What the disk and the driver can do at most: rows of 600 bytes in groups of five hundred, each group durable. Rows a second. */
export function runRawBench(rounds: number, seconds: number): Spread {
  const folder = mkdtempSync(join(tmpdir(), 'damson-raw-'))
  const db = new Database(join(folder, 'raw.db'))
  db.pragma('locking_mode = EXCLUSIVE')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, data TEXT)')
  const insert = db.prepare('INSERT INTO rows (data) VALUES (?)')
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const beganAt = performance.now()
    let rows = 0
    while (performance.now() - beganAt < seconds * 1_000) {
      db.exec('BEGIN')
      for (let index = 0; index < GROUP; index++) insert.run(ROW)
      db.exec('COMMIT')
      rows += GROUP
    }
    rates.push((rows * 1_000) / (performance.now() - beganAt))
  }
  db.close()
  rmSync(folder, { recursive: true, force: true })
  return spreadOf(rates)
}
