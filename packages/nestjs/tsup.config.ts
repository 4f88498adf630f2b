import { defineConfig } from 'tsup'
import { library } from '../../tsup.shared.ts'

export default defineConfig(
  library({
    entry: {
      index: 'src/index.ts',
      'terminus/index': 'src/terminus/index.ts',
      'testing/index': 'src/testing/index.ts',
    },
    shims: false,
  }),
)
