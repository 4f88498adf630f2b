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
    // finish-dist.mjs makes CommonJS of it, and the types of both.
    format: ['esm'],
    shims: false,
    // Decision 0013: what is installed is small; the sources are one click away.
    sourcemap: false,
    minify: true,
  }),
)
