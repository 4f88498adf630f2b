import { testConfig } from '../vitest.shared.ts'

/** Packs and installs what we publish: slower than the other tests and in need of the registry, so a run of its own. */
export default testConfig({
  include: ['packaging/*.test.ts'],
  reporters: ['default'],
  testTimeout: 300_000,
})
