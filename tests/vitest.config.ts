import { configDefaults } from 'vitest/config'
import { testConfig } from '../vitest.shared.ts'

export default testConfig({
  include: ['**/*.test.ts'],
  // Folders with dependencies of their own run their tests themselves.
  exclude: [...configDefaults.exclude, 'packaging/**', 'browser/**', 'nest*/**', 'next*/**'],
})
