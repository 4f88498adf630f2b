import { defineConfig } from 'tsup'
import { library } from '../../tsup.shared.ts'

const server = { index: 'src/index.ts', edge: 'src/edge.ts' }

// Two builds into one folder: neither may clean up after the other, so the script that starts them does.
export default defineConfig([
  library({
    entry: { ...server, 'not-in-the-browser': 'src/not-in-the-browser.ts' },
    types: server,
    shims: false,
    clean: false,
  }),
  // Alone and unsplit: its directive must stand on top of the very file that Next reads.
  library({ entry: { client: 'src/client.ts' }, shims: false, splitting: false, clean: false }),
])
