import { defineConfig } from 'tsup'
import { library } from '../../tsup.shared.ts'

export default defineConfig(
  library({
    entry: {
      index: 'src/index.ts',
      'protocol/index': 'src/protocol/index.ts',
      'session/index': 'src/session/index.ts',
      'outbox/index': 'src/outbox/index.ts',
      'web/index': 'src/web/index.ts',
      'beacon/index': 'src/beacon/index.ts',
      'testing/index': 'src/testing/index.ts',
    },
    shims: false,
    // What is published can be read as it is; maps would be three fifths of the installation.
    sourcemap: false,
  }),
)
