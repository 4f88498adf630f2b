import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { SingleBar } from 'cli-progress'
import { type Command, Option } from 'commander'
import { importFolder, type ImportReport } from './import/importer.ts'
import { openRawFolder } from './import/raw-files.ts'
import type { Store } from '../store/store.ts'
import { chosenApp } from './chosen-app.ts'
import { dataOption, withData } from './data.ts'
import { Problem } from './problem.ts'
import type { Terminal } from './terminal.ts'

interface ImportOptions {
  readonly appId?: string
  readonly data: string
  readonly json?: true
}

export function addImport(program: Command, terminal: Terminal): void {
  program
    .command('import')
    .description('Take over raw exports of Leanplum, JSON or CSV. The server must not be running.')
    .argument('<folder>', 'with the files of exports; those in .gz are unpacked')
    .addOption(new Option('--app-id <id>', 'the app they go to, if there are several').env('DAMSON_APP_ID'))
    .addOption(dataOption())
    .addOption(new Option('--json', 'print one JSON object').env('DAMSON_JSON'))
    .addHelpText(
      'after',
      `
Each session is taken once, known by its id: run it again after it was interrupted, or with more files.

Examples:
  damson import ./leanplum-export --data /var/lib/damson
  damson import ./march --app-id shop --json`,
    )
    .action((folder: string, options: ImportOptions) => importInto(folder, options, terminal))
}

async function importInto(folder: string, { appId, data, json }: ImportOptions, terminal: Terminal): Promise<void> {
  const found = await openRawFolder(folder)
  if (found.json.length + found.csv.length === 0)
    throw new Problem(`${folder} has no raw exports: no file of it begins with a session or the header of a table.`)
  const report = await withData(data, async (store: Store) => {
    const app = chosenApp(await store.apps(), appId)
    const bar = progressBar(terminal)
    try {
      const name = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32)
      return await importFolder({ store, appId: app.appId, name, folder: found, onProgress: bar.show })
    } finally {
      bar.stop()
    }
  })
  terminal.print(json ? JSON.stringify({ ...report, others: found.others }) : reportText(report, found.others))
}

function reportText(report: ImportReport, others: readonly string[]): string {
  const { records, known, events, unreadable, unreadableCount } = report
  const lines = [`Took over ${records - known} sessions with ${events} events; ${known} were there already.`]
  if (others.length > 0) lines.push(`Passed over, for they are no raw exports: ${others.join(', ')}.`)
  if (unreadableCount > 0) {
    lines.push(
      `Could not read ${unreadableCount}:`,
      ...unreadable.slice(0, 20).map(({ where, why }) => `  ${where}: ${why}`),
    )
    if (unreadableCount > 20) lines.push('  … (--json tells the first thousand)')
  }
  return lines.join('\n')
}

interface Progress {
  show(report: ImportReport, part: number): void
  stop(): void
}

/** How many sessions there are is not known before all are read, so what is shown are bytes. */
function progressBar({ screen }: Terminal): Progress {
  if (screen === null) return { show() {}, stop() {} }
  const format = '{bar} {percentage} % {sessions} sessions, {events} events'
  const bar = new SingleBar({ format, stream: screen, clearOnComplete: true })
  bar.start(1, 0, { sessions: 0, events: 0 })
  return {
    show: ({ records: sessions, events }, part) => bar.update(part, { sessions, events }),
    stop: () => bar.stop(),
  }
}
