import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { postgresStore } from '../store/postgres/postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase } from '../store/postgres/testing.ts'
import { createTestServer } from '../testing/test-server.ts'
import type { Asked } from './fixtures/adding-child.ts'

const postgres = await findPostgres()

test.skipIf(postgres === null)(
  'of a hundred asked for at once in two processes, exactly three stand, round after round',
  async () => {
    const database = await createDatabase(postgres!, 'postbacks')
    await migrateDatabase(database.url)
    const world = await createTestServer({ store: await postgresStore({ url: database.url }) })
    await world.call('listPostbacks')
    const children = [start(database.url), start(database.url)]
    await Promise.all(children.map((child) => once(child, 'message')))
    for (let round = 0; round < 10; round++) {
      const answers = children.map((child) => once(child, 'message') as Promise<[Asked]>)
      for (const child of children) child.send({ times: 50 })
      const asked = await Promise.all(answers)
      expect(asked.map(([{ statuses }]) => statuses.length)).toEqual([50, 50])
      const statuses = asked.flatMap(([one]) => one.statuses)
      expect(statuses.filter((status) => status === 200)).toHaveLength(3)
      expect(statuses.filter((status) => status === 403)).toHaveLength(97)
      const { postbacks } = await world.call('listPostbacks')
      const ids = (postbacks as { postbackId: number }[]).map(({ postbackId }) => postbackId)
      expect(new Set(ids).size).toBe(3)
      for (const postbackId of ids) await world.call('deletePostback', { postbackId })
    }
    for (const child of children) {
      child.disconnect()
      await once(child, 'exit')
    }
    await world.close()
    await database.drop()
  },
  180_000,
)

function start(url: string) {
  const script = fileURLToPath(new URL('./fixtures/adding-child.ts', import.meta.url))
  const config = fileURLToPath(new URL('../../../../tsconfig.base.json', import.meta.url))
  // The sources, and not what was built of them.
  const env = { ...process.env, TSX_TSCONFIG_PATH: config }
  return fork(script, [url], { execArgv: ['--import', 'tsx'], stdio: 'inherit', env })
}
