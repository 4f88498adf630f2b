import { testConfig } from '../../vitest.shared.ts'

/** What every `npm test` runs in small, as long as it takes to believe it. */
export default testConfig({
  include: ['src/store/postgres/{chaos,same-answers}.test.ts', 'src/jobs/campaign-kills.test.ts'],
  env: {
    DAMSON_CHAOS_SECONDS: '60',
    DAMSON_STORE_HISTORIES: '2000',
    DAMSON_CAMPAIGN_KILLS: '20',
    DAMSON_SENDS: '50000',
  },
})
