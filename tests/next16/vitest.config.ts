import { testConfig } from '../../vitest.shared.ts'

export default testConfig({ include: ['*.test.ts'], hookTimeout: 600_000, testTimeout: 120_000 })
