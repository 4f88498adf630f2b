import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SingleBar } from 'cli-progress'
import { type Command, Option } from 'commander'
import { StoreLockedError, StoreUnusableError } from '../store/errors.ts'
import { POSTGRES_FORM } from './data.ts'
import { withPool } from './migrate.ts'
import { COUNTED, type Counts, openSource, type Source } from './move-source.ts'
import { openTarget, type Target } from './move-target.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Profiles copied in one transaction. */
const PROFILES_AT_ONCE = 200

export function addMove(program: Command, terminal: Terminal): void {
  program
    .command('move')
    .description('Copy a folder of the embedded store into a PostgreSQL, and count that all of it arrived.')
    .addOption(
      new Option('--from <folder>', 'the folder; its server must be stopped')
        .makeOptionMandatory()
        .env('DAMSON_MOVE_FROM'),
    )
    .addOption(
      new Option('--to <url>', `${POSTGRES_FORM}, with tables and nothing in them`)
        .makeOptionMandatory()
        .env('DAMSON_MOVE_TO'),
    )
    .addHelpText(
      'after',
      `
Interrupted, it goes on where it was when it is run again. The folder stays as it is.

Examples:
  damson migrate --postgres ${POSTGRES_FORM}
  damson move --from ./data --to ${POSTGRES_FORM}`,
    )
    .action(({ from, to }: { from: string; to: string }) => move(from, to, terminal))
}

async function move(folder: string, url: string, terminal: Terminal): Promise<void> {
  if (!existsSync(join(folder, 'damson.db')))
    throw new Problem(`there is no damson.db in ${folder}. Choose another folder with --from.`)
  const source = await openSource(folder).catch((error: unknown) => {
    throw explained(folder, error)
  })
  try {
    const counts = await withPool(url, async (pool) => {
      const target = await openTarget(pool, source)
      await target.begin(source)
      if (!(await copyAll(source, target, terminal))) return null
      const found = await target.counts()
      if (isSame(source.counts, found)) await target.end()
      return found
    })
    if (counts === null) return terminal.print('Interrupted. Run the same command again, and it goes on from here.')
    terminal.print(
      table([
        ['', 'folder', 'database'],
        ...COUNTED.map((name) => [name, String(source.counts[name]), String(counts[name])]),
      ]),
    )
    if (!isSame(source.counts, counts))
      throw new Problem('the counts differ: do not use the copy. Copy again into a new database.')
    terminal.print('All of it is there. Start servers with --postgres, and keep the folder until you are sure.')
  } finally {
    source.close()
  }
}

/** @returns false if it was interrupted; what was copied so far stays */
async function copyAll(source: Source, target: Target, { screen, interrupted }: Terminal): Promise<boolean> {
  let isInterrupted = false
  void interrupted.then(() => (isInterrupted = true))
  const bar =
    screen &&
    new SingleBar({ format: '{bar} {percentage} % {value} of {total} users', stream: screen, clearOnComplete: true })
  bar?.start(source.counts.profiles, 0)
  let copied = 0
  try {
    for (let after = target.copied; ;) {
      const profiles = source.profilesAfter(after, PROFILES_AT_ONCE)
      const last = profiles.at(-1)
      if (last === undefined) return true
      await target.copy(profiles)
      after = last.pid
      bar?.update((copied += profiles.length))
      if (isInterrupted) return false
    }
  } finally {
    bar?.stop()
  }
}

function isSame(one: Counts, two: Counts): boolean {
  return COUNTED.every((name) => one[name] === two[name])
}

function explained(folder: string, error: unknown): unknown {
  const { kind, pid, message } = error as { kind?: string; pid?: string | null; message: string }
  if (kind === 'locked') return new StoreLockedError(join(folder, 'damson.db'), pid ?? null, error)
  return kind === 'unusable' ? new StoreUnusableError(message, error) : error
}
