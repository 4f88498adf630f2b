// `pnpm -s damson …`: the command line from the checkout, built first when it has not been built yet.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../packages/server/dist/cli/main.js', import.meta.url))
if (!existsSync(main)) {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const build = ['exec', 'turbo', 'run', 'build', '--filter=@damson/server...', '--output-logs=errors-only']
  // What the build says goes to standard error: standard output belongs to the command (`replay --json`).
  const { status } = spawnSync('pnpm', build, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(status ?? 1)
}
await import(main)
