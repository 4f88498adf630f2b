import { PGlite } from '@electric-sql/pglite'
import { expect, test } from 'vitest'
import { createSessions } from './session.ts'
import { pglitePool } from './testing.ts'

test('of a statement that nobody waited for, its own failure is told, not that of the next one', async () => {
  const pglite = new PGlite()
  const sessions = createSessions({ pool: pglitePool(pglite), lockTimeoutMs: 1_000, statementTimeoutMs: 10_000 })
  const failing = sessions.within(async ({ run }) => {
    void run({ text: 'SELECT 1 / 0' })
    await run({ text: 'SELECT 1' })
  })
  // division_by_zero
  await expect(failing).rejects.toMatchObject({ code: '22012' })
  await pglite.close()
})
