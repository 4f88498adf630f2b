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
    // Decision 0013: what is installed is small; the sources are one click away.
    sourcemap: false,
    // CommonJS goes through a second tool, which cannot read minified classes.
    esbuildOptions(options, { format }) {
      options.minify = format === 'esm'
    },
  }),
)
