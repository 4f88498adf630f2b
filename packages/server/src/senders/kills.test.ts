import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import { MESSAGE_DELIVERY } from '../engine/messages/outgoing.ts'
import { sqliteStore } from '../store/sqlite/sqlite-store.ts'
import { LEASE_MS } from '../timers/dispatcher.ts'
import { openMailbox } from './fixtures/mailbox.ts'
import type { Death, Life, Sign } from './fixtures/send-child.ts'

const KILLS = Number(process.env.DAMSON_KILLS ?? 20)
const MESSAGES_PER_LIFE = 3
const DEATHS: readonly Death[] = ['before', 'during', 'after']

test(
  `killed before, during and after sending a mail, ${KILLS} times: none is lost, each is recorded once, and a crash repeats one at most [O-11]`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-send-kills-'))
    const file = join(folder, 'damson.db')
    let child: ChildProcess | null = null
    let life: Life | null = null
    let mailsOfLife = 0
    const mailbox = await openMailbox({
      data: () => {
        mailsOfLife += 1
        if (life?.death !== 'during' || mailsOfLife < life.call) return
        child?.kill('SIGKILL')
        // Taken, although whoever sent it never hears so.
        return new Promise(() => {})
      },
    })
    const kept = new Set<number>()
    const repeated: number[] = []
    const deaths = new Map<string, number>()
    let now = Date.UTC(2024, 0, 1)
    for (let number = 0; number <= KILLS; number += 1) {
      const isLast = number === KILLS
      const messages = isLast
        ? []
        : Array.from({ length: MESSAGES_PER_LIFE }, (_, index) => number * MESSAGES_PER_LIFE + index + 1)
      const death = isLast ? 'never' : DEATHS[number % DEATHS.length]!
      // There are always three mails to send: those of this life's own messages.
      const call = 1 + (Math.floor(number / DEATHS.length) % MESSAGES_PER_LIFE)
      const before = new Set(mailbox.mails.map(({ to }) => to))
      const earlier = mailbox.mails.length
      life = { file, now, port: mailbox.port, messages, death, call }
      mailsOfLife = 0
      child = start(life)
      child.on('message', (sign: Sign) => void kept.add(sign.kept))
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      const end = `${death}: ${signal ?? `exit ${code}`}`
      deaths.set(end, (deaths.get(end) ?? 0) + 1)
      repeated.push(mailbox.mails.slice(earlier).filter(({ to }) => before.has(to)).length)
      // What the dead one held is free again once its lease has run out.
      now += LEASE_MS + 1
    }
    await mailbox.close()

    const recipients = mailbox.mails.map(({ to }) => Number(to.split('@')[0]))
    const twice = recipients.length - new Set(recipients).size
    console.info(
      `${kept.size} messages, ${recipients.length} mails, ${twice} of them repetitions; ${JSON.stringify([...deaths])}`,
    )
    expect([...kept].filter((message) => !recipients.includes(message))).toEqual([])
    expect(Math.max(...repeated)).toBeLessThanOrEqual(1)
    expect(twice).toBeLessThanOrEqual(KILLS)
    const ids = new Map<number, Set<string>>()
    for (const [index, { headers }] of mailbox.mails.entries()) {
      const known = ids.get(recipients[index]!) ?? new Set()
      ids.set(recipients[index]!, known.add(headers['message-id'] ?? ''))
    }
    expect([...ids.values()].filter(({ size }) => size !== 1)).toEqual([])
    expect([...deaths.keys()].toSorted()).toEqual(
      ['after: SIGKILL', 'before: SIGKILL', 'during: SIGKILL', 'never: exit 0'].slice(KILLS < 3 ? 3 : 0),
    )

    const store = await sqliteStore({ file })
    const recorded = (await all(store.entries({ appId: 'app_test' }))).flatMap(({ entry }) =>
      entry.kind === 'event' ? [entry.name] : [],
    )
    expect(recorded.toSorted()).toEqual([...kept].map((message) => `.m${message} Delivered`).toSorted())
    for (const status of ['waiting', 'failed'] as const)
      expect(await all(store.deliveries({ appId: 'app_test', kind: MESSAGE_DELIVERY, status }))).toEqual([])
    await store.close()
    rmSync(folder, { recursive: true })
  },
  60_000 + KILLS * 10_000,
)

function start(life: Life): ChildProcess {
  const script = fileURLToPath(new URL('./fixtures/send-child.ts', import.meta.url))
  // The sources, and not what was built of them.
  const env = {
    ...process.env,
    TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../../../tsconfig.base.json', import.meta.url)),
  }
  return fork(script, [JSON.stringify(life)], { execArgv: ['--import', 'tsx'], stdio: 'inherit', env })
}
