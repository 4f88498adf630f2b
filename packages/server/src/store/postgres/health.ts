import type { Sessions } from './session.ts'

/** How old an opinion may be before the database is asked anew. */
const PROBE_AFTER_MS = 1_000

/** Whether the database takes writes. Being asked is what keeps the opinion fresh; it is never waited for. */
export function createHealth(sessions: Sessions): { isUp(): boolean } {
  let isUp = true
  let probedAt = performance.now()
  let isProbing = false

  async function probe(): Promise<void> {
    isProbing = true
    try {
      const { rows } = await sessions.within(({ run }) => run({ text: 'SELECT pg_is_in_recovery() AS is_standby' }))
      isUp = rows[0]?.is_standby !== true
    } catch {
      // Why is what the turns that fail are logged with.
      isUp = false
    }
    probedAt = performance.now()
    isProbing = false
  }

  return {
    isUp() {
      if (!isProbing && performance.now() - probedAt >= PROBE_AFTER_MS) void probe()
      return isUp
    },
  }
}
