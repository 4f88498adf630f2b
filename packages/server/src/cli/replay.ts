import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SingleBar } from 'cli-progress'
import { type Command, Option } from 'commander'
import { SESSION_INACTIVITY_MS } from '@damson/core/session'
import { appKey, ISSUED_CLASSES, keptApp, randomKey, randomKeys } from '../new-app.ts'
import { createServer } from '../server.ts'
import type { Store } from '../store/store.ts'
import { type Hit, parseAccessLogLine } from './access-log.ts'
import { keysTable } from './apps.ts'
import { withData } from './data.ts'
import { sorted } from './external-sort.ts'
import { type LineSource, openLines } from './lines.ts'
import { Problem } from './problem.ts'
import { feed } from './replay-feed.ts'
import { type ReplayReport, reportText, summarize } from './replay-report.ts'
import type { Terminal } from './terminal.ts'
import { createTestClock } from './test-clock.ts'

/** About 50 MB of hits at once. */
const RUN_LENGTH = 50_000

interface ReplayOptions {
  readonly json?: true
  readonly data?: string
  readonly appId: string
}

/** What was read of a log so far. */
interface Tally {
  lines: number
  readonly skipped: Map<string, number>
}

/** A hit with its place in the log: two of the same second keep their order. */
type Numbered = Hit & { readonly line: number }

export function addReplay(program: Command, terminal: Terminal): void {
  program
    .command('replay')
    .description('Play the log of a web server to the engine, and tell its sessions.')
    .argument('<file>', "in the combined log format; may end in .gz; '-' is standard input")
    .addOption(new Option('--json', 'print one JSON object').env('DAMSON_JSON'))
    .addOption(new Option('--data <folder>', "keep the result there, for 'damson serve'").env('DAMSON_DATA'))
    .addOption(new Option('--app-id <id>', 'the app it is kept in').default('replay').env('DAMSON_APP_ID'))
    .addHelpText(
      'after',
      `
A visitor is an address with a user agent; each line is an event 'hit'.

Examples:
  damson replay /var/log/nginx/access.log
  cat access.log.1 access.log | damson replay - --json
  damson replay access.log.gz --data ./data && damson serve --data ./data`,
    )
    .action((file: string, options: ReplayOptions) => replay(file, options, terminal))
}

async function replay(file: string, { json, data, appId }: ReplayOptions, terminal: Terminal): Promise<void> {
  const source = await openLines(file, terminal.stdin)
  const tally: Tally = { lines: 0, skipped: new Map() }
  const use = (store: Store) => replayInto(store, source, tally, appId, terminal)
  const { report, keys } = data === undefined ? await withScratchData(use) : await withData(data, use)
  if (data !== undefined && keys !== null) {
    const text = `Made the app for it. Its keys are shown this once:\n\n${keys}\n`
    if (json) terminal.complain(text)
    else terminal.print(text)
  }
  terminal.print(json ? JSON.stringify(report) : reportText(report, tally.skipped))
}

/** The result need not outlive the command; on disk all the same, so that a long log needs no more memory than a short one. */
async function withScratchData<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-replay-'))
  try {
    return await withData(folder, use)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function replayInto(
  store: Store,
  source: LineSource,
  tally: Tally,
  appId: string,
  terminal: Terminal,
): Promise<{ readonly report: ReplayReport; readonly keys: string | null }> {
  const clock = createTestClock(0)
  const { engine, sweep } = createServer({ store, clock })
  await engine.load()
  const keys = engine.apps().some((app) => app.appId === appId) ? null : randomKeys()
  if (keys !== null) {
    const lists = Object.fromEntries(ISSUED_CLASSES.map((keyClass) => [keyClass, [keys[keyClass]]]))
    await engine.saveApp(keptApp(engine.apps(), { appId, name: 'Replay', keys: lists }, Date.now()))
  } else if (!(await isEmpty(store.profiles(appId)))) {
    throw new Problem(`the app '${appId}' has users already, and a replay would mix with them. Choose a new --app-id.`)
  }

  const app = engine.apps().find((one) => one.appId === appId)
  if (app === undefined) throw new Error(`Expected the app '${appId}' to be there after it was saved.`)
  // Nobody can say the app's own keys any more, so the replay has one for itself while it lasts.
  const clientKey = randomKey('production')
  await engine.saveApp({ ...app, keys: [...app.keys, appKey('production', clientKey, Date.now())] })
  const bar = progressBar(terminal)
  try {
    const hits = sorted(readHits(source, tally, bar), { compare: byTime, runLength: RUN_LENGTH })
    for await (const played of feed(hits, { engine, clock, appId, clientKey })) bar.played(played)
    clock.moveTo(clock.now() + SESSION_INACTIVITY_MS)
    await sweep()
  } finally {
    bar.stop()
    await engine.saveApp(app)
    await engine.drain()
  }
  const skipped = [...tally.skipped.values()].reduce((sum, number) => sum + number, 0)
  const report = await summarize(store.entries({ appId }), { lines: tally.lines, skipped })
  return { report, keys: keys && keysTable(appId, keys) }
}

async function* readHits(source: LineSource, tally: Tally, bar: Progress): AsyncGenerator<Numbered[]> {
  for await (const lines of source.lines) {
    const hits: Numbered[] = []
    for (const line of lines) {
      tally.lines += 1
      const parsed = parseAccessLogLine(line)
      if (parsed.ok) hits.push({ ...parsed.hit, line: tally.lines })
      else tally.skipped.set(parsed.reason, (tally.skipped.get(parsed.reason) ?? 0) + 1)
    }
    bar.read(source.progress(), tally.lines)
    yield hits
  }
}

function byTime(one: Numbered, other: Numbered): number {
  return one.at - other.at || one.line - other.line
}

async function isEmpty(items: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of items) return false
  return true
}

interface Progress {
  read(share: number | null, lines: number): void
  played(hits: number): void
  stop(): void
}

/** The first half of the bar is reading, the second playing; without somebody to look at it there is none. */
function progressBar({ screen }: Terminal): Progress {
  if (screen === null) return { read() {}, played() {}, stop() {} }
  const bar = new SingleBar({ format: '{bar} {percentage} % {doing}', stream: screen, clearOnComplete: true })
  let total = 1
  bar.start(1, 0, { doing: 'reading' })
  return {
    read(share, lines) {
      total = lines
      bar.update((share ?? 0) / 2, { doing: `reading: ${lines} lines` })
    },
    played: (hits) => bar.update(0.5 + hits / total / 2, { doing: `playing: ${hits} hits` }),
    stop: () => bar.stop(),
  }
}
