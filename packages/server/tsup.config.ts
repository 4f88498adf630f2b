import { copyFileSync, readdirSync } from 'node:fs'
import { defineConfig } from 'tsup'
import { library } from '../../tsup.shared.ts'

const entry = {
  index: 'src/index.ts',
  'http/node': 'src/http/node.ts',
  'store/sqlite/index': 'src/store/sqlite/index.ts',
  'store/postgres/index': 'src/store/postgres/index.ts',
  'testing/index': 'src/testing/index.ts',
}

// Vitest is an ES module, so the suites are one too.
const moduleEntry = { ...entry, 'conformance/index': 'src/conformance/index.ts' }

// Two builds into one folder: neither may clean up after the other, so the script that starts them does.
export default defineConfig([
  library({
    entry: { ...moduleEntry, 'cli/main': 'src/cli/main.ts' },
    format: ['esm'],
    types: moduleEntry,
    clean: false,
    // The thread of the store is plain JavaScript, so that the same files run from the sources and from what is built.
    onSuccess: async () => copyThread('store/sqlite'),
  }),
  library({ entry, format: ['cjs'], clean: false }),
])

function copyThread(folder: string): void {
  const files = readdirSync(`src/${folder}`).filter((file) => file.endsWith('.mjs'))
  for (const file of files) copyFileSync(`src/${folder}/${file}`, `dist/${folder}/${file}`)
}
