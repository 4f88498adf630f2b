// `npm start` and `npm test` on a machine that has only Node and npm.
//   go.mjs start [FLAGS]    install, build and serve; flags go to `damson serve`
//   go.mjs test [FLAGS]     install, build, check types and run every test; flags go to turbo
//   go.mjs run SCRIPT ...   install, then run a script of package.json with the pinned pnpm
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { clearReports, printTotal } from './test-total.mjs'

const [command, ...rest] = process.argv.slice(2)
const shell = process.platform === 'win32'
process.chdir(fileURLToPath(new URL('../', import.meta.url)))
process.env.TURBO_TELEMETRY_DISABLED ??= '1'
// Into a file or a pipe goes plain text.
if (!process.stdout.isTTY) process.env.NO_COLOR ??= '1'
// Turbo's cache keys do not know the Node version; turbo.json names this for "test".
process.env.NODE_MAJOR = process.versions.node.split('.')[0]

/** Resolves with the exit code. Signals are handed on, so that a server below us closes its files before we are gone. */
function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options })
    const handOn = (signal) => {
      // A terminal's Ctrl-C reaches the child by itself, and a second one would mean "at once".
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal)
    }
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, handOn)
    const end = (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, handOn)
      resolve(code)
    }
    child.on('error', (error) => {
      console.error(`${program}: ${error.message}`)
      end(1)
    })
    child.on('exit', (code) => end(code ?? 1))
  })
}

async function start() {
  console.log('Building Damson …')
  const build = ['exec', 'turbo', 'run', 'build', '--filter=@damson/server...', '--output-logs=errors-only']
  const code = await run('pnpm', build, { shell })
  // A larger young generation: a server makes much that is soon gone, and collecting it less often costs a tenth less. And
  // everything begins there: V8 would take a busy minute's batches, which live until their commit, for things that stay.
  const node = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring']
  return code || run(process.execPath, [...node, 'packages/server/dist/cli/main.js', 'serve', '--demo', ...rest])
}

async function test() {
  // A report left from an earlier run must not count for a test that did not run this time.
  clearReports()
  const tasks = ['exec', 'turbo', 'run', 'build', 'typecheck', 'test', '--continue', ...rest]
  const code = await run('pnpm', tasks, { shell })
  return printTotal() ? code : code || 1
}

/** The pnpm that package.json pins must come first on PATH: turbo starts it too. npx fetches it, and stays out of the way. */
function findPnpm() {
  const pin = JSON.parse(readFileSync('package.json', 'utf8')).packageManager
  const ask = (program, args) =>
    spawnSync(program, args, { shell, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).stdout?.trim()
  if (`pnpm@${ask('pnpm', ['--version'])}` === pin) return
  process.env.PATH = ask('npx', ['--yes', '--package', pin, 'node', '-p', 'process.env.PATH'])
  const found = ask('pnpm', ['--version'])
  if (`pnpm@${found}` !== pin) throw new Error(`Expected npx to fetch ${pin}, but found pnpm ${found}.`)
}

async function main() {
  findPnpm()
  const installed = await run('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only'], { shell })
  if (installed !== 0) return installed
  if (command === 'start') return start()
  if (command === 'test') return test()
  if (command === 'run') return run('pnpm', ['run', ...rest], { shell })
  throw new Error(`go.mjs: expected start, test or run, found ${command ?? 'nothing'}`)
}

process.exitCode = await main()
