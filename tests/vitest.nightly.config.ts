import { testConfig } from '../vitest.shared.ts'

/** What every `npm test` runs in small, as often as it takes to believe it. */
export default testConfig({
  include: ['client/**/*.test.ts', 'postgres/{nodes,failover,move}.test.ts'],
  testTimeout: 60_000,
  env: {
    DAMSON_INTERLEAVINGS: '20000',
    DAMSON_KILLS: '200',
    DAMSON_SOAK: '1000000',
    DAMSON_USERS: '10000',
    DAMSON_FAILOVERS: '20',
    DAMSON_MOVE_KILLS: '20',
  },
})
