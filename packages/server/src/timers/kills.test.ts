import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import { sqliteStore } from '../store/sqlite/sqlite-store.ts'
import { openReceiver } from '../testing/receiver.ts'
import { LEASE_MS } from './dispatcher.ts'
import { TRIES_MAX } from './attempt.ts'
import type { Death, Life, Sign } from './fixtures/dispatch-child.ts'

const KILLS = Number(process.env.DAMSON_KILLS ?? 25)
const EVENTS_PER_LIFE = 3
const DEATHS: readonly Death[] = ['before', 'during', 'after']

test(
  `killed before, during and after sending, ${KILLS} times: nothing is lost, nothing sent more than ten times [P-11]`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-kills-'))
    const file = join(folder, 'damson.db')
    let child: ChildProcess | null = null
    let life: Life | null = null
    let callsOfLife = 0
    const receiver = await openReceiver((response) => {
      callsOfLife += 1
      if (life?.death === 'during' && callsOfLife >= life.call) child?.kill('SIGKILL')
      else response.writeHead(204).end()
    })
    const kept = new Set<number>()
    const deaths: Record<string, number> = {}
    let now = Date.UTC(2024, 0, 1)
    for (let number = 0; number <= KILLS; number += 1) {
      const isLast = number === KILLS
      const events = isLast
        ? []
        : Array.from({ length: EVENTS_PER_LIFE }, (_, index) => number * EVENTS_PER_LIFE + index)
      const death = isLast ? 'never' : DEATHS[number % DEATHS.length]!
      // There are always three calls to make: those of this life's own events.
      const call = 1 + (Math.floor(number / DEATHS.length) % EVENTS_PER_LIFE)
      life = { file, now, events, death, call, ...(number === 0 && { postbackUrl: `${receiver.origin}/` }) }
      callsOfLife = 0
      child = start(life)
      child.on('message', (sign: Sign) => void kept.add(sign.kept))
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      const end = signal ?? `exit ${code}`
      deaths[`${death}: ${end}`] = (deaths[`${death}: ${end}`] ?? 0) + 1
      // What the dead one held is free again once its lease has run out.
      now += LEASE_MS + 1
    }
    await receiver.close()

    const ids = new Map<number, string[]>()
    for (const { headers, body } of receiver.received) {
      const { messageId } = (JSON.parse(body) as { data: { messageId: number } }).data
      ids.set(messageId, [...(ids.get(messageId) ?? []), String(headers['webhook-id'])])
    }
    const most = Math.max(...[...ids.values()].map(({ length }) => length))
    console.info(
      `${kept.size} events, ${receiver.received.length} calls, at most ${most} of one; ${JSON.stringify(deaths)}`,
    )
    expect([...kept].filter((event) => !ids.has(event))).toEqual([])
    expect(most).toBeLessThanOrEqual(TRIES_MAX)
    expect([...ids.values()].filter((one) => new Set(one).size > 1)).toEqual([])
    expect(new Set([...ids.values()].flat()).size).toBe(ids.size)
    expect(Object.keys(deaths).toSorted()).toEqual(
      ['after: SIGKILL', 'before: SIGKILL', 'during: SIGKILL', 'never: exit 0'].slice(KILLS < 3 ? 3 : 0),
    )

    const store = await sqliteStore({ file })
    for (const status of ['waiting', 'failed'] as const)
      expect(await all(store.deliveries({ appId: 'app_test', kind: 'postback', status }))).toEqual([])
    await store.close()
    rmSync(folder, { recursive: true })
  },
  60_000 + KILLS * 10_000,
)

function start(life: Life): ChildProcess {
  const script = fileURLToPath(new URL('./fixtures/dispatch-child.ts', import.meta.url))
  // The sources, and not what was built of them.
  const env = {
    ...process.env,
    TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../../../tsconfig.base.json', import.meta.url)),
  }
  return fork(script, [JSON.stringify(life)], { execArgv: ['--import', 'tsx'], stdio: 'inherit', env })
}
