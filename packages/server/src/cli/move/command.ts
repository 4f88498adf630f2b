import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@damson/core'
import { type Command, Option } from 'commander'
import { type Begun, COUNTED } from '../../store/moving.ts'
import { POSTGRES_FORM } from '../data.ts'
import { withPool } from '../migrate.ts'
import { Problem } from '../problem.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { createMover, type HandedOver, isSame, MoveInterrupted, type Mover, seconds } from './mover.ts'
import { createProgress } from './progress.ts'
import { openSource, type Source } from './source.ts'
import { openTarget, type Target } from './target.ts'

interface MoveOptions {
  readonly from: string
  readonly to?: string
  readonly copyOnly?: true
  readonly undo?: true
}

export function addMove(program: Command, terminal: Terminal): void {
  program
    .command('move')
    .description('Move a folder of the embedded store into a PostgreSQL, while its server goes on answering.')
    .addOption(
      new Option('--from <folder>', 'the folder; its server may run').makeOptionMandatory().env('DAMSON_MOVE_FROM'),
    )
    .addOption(new Option('--to <url>', `${POSTGRES_FORM}, with tables and nothing in them`).env('DAMSON_MOVE_TO'))
    .addOption(
      new Option('--copy-only', 'hand nothing over: run the command again without this when it is time').env(
        'DAMSON_MOVE_COPY_ONLY',
      ),
    )
    .addOption(
      new Option(
        '--undo',
        'forget the move: the folder may be served again, as it was when it was handed over',
      ).conflicts(['to', 'copyOnly']),
    )
    .addHelpText(
      'after',
      `
What happens:
  1. Everybody is copied, read back and compared; then what changed meanwhile, until little is left.
  2. The server of the folder answers 503 with Retry-After, which clients retry. The rest is copied, compared and
     counted: some tenths of a second. If anything is not as it must be, the server goes on as before.
  3. The folder is closed for good: no server starts on it any more. Servers with --postgres answer from now on;
     'damson serve --postgres URL' may be started before, and waits for this moment.
Interrupted or killed, the server goes on, and the same command continues where it was.

Examples:
  damson migrate --postgres ${POSTGRES_FORM}
  damson move --from ./data --to ${POSTGRES_FORM} --copy-only
  damson move --from ./data --to ${POSTGRES_FORM}
  damson move --from ./data --undo`,
    )
    .action((options: MoveOptions) => move(options, terminal))
}

async function move({ from, to, copyOnly, undo }: MoveOptions, terminal: Terminal): Promise<void> {
  if (!existsSync(join(from, 'damson.db')))
    throw new Problem(`there is no damson.db in ${from}. Choose another folder with --from.`)
  if (to === undefined && !undo) throw new Problem(`move where? Name a database with --to ${POSTGRES_FORM}.`)
  const source = await openSource(from)
  try {
    if (undo) return await takeBack(source, terminal)
    await withPool(to ?? '', async (pool) => {
      const target = await openTarget(pool, systemClock)
      await moveTo(addressOf(to ?? ''), source, target, copyOnly === true, terminal)
    })
  } catch (error) {
    if (!(error instanceof MoveInterrupted)) throw error
    terminal.print('Interrupted. Run the same command again, and it goes on from here.')
  } finally {
    await source.close()
  }
}

async function moveTo(
  address: string,
  source: Source,
  target: Target,
  isCopyOnly: boolean,
  terminal: Terminal,
): Promise<void> {
  const id = randomUUID()
  const begun = await source.begin(id)
  if (begun.moved !== null) return endOnly(begun.moved, target, terminal)
  await beginOrGoOn(begun, target).catch(async (error: unknown) => {
    if (begun.id === id) await source.undo()
    throw error
  })
  let isInterrupted = false
  void terminal.interrupted.then(() => (isInterrupted = true))
  const progress = createProgress(terminal)
  const mover = createMover({ source, target, clock: systemClock, progress, isInterrupted: () => isInterrupted })
  try {
    await mover.copy(begun)
  } finally {
    progress.end()
  }
  if (isCopyOnly)
    return terminal.print('Everything is copied. Run the same command without --copy-only, and it is handed over.')
  await handOver(address, source, target, mover, terminal)
}

async function handOver(
  address: string,
  source: Source,
  target: Target,
  mover: Mover,
  terminal: Terminal,
): Promise<void> {
  if (source.isServed) terminal.print('Handing over: the server of the folder refuses from now on.')
  const done = await mover.handOver(address)
  terminal.print(tableOf(done))
  if (!isSame(done.folder, done.database))
    throw new Problem('the counts differ: do not use the copy. Copy again into a new database.')
  await target.end()
  terminal.print(
    source.isServed
      ? `All of it is there. Refused for ${seconds(done.refusedMs)} so far; that ends when a server with --postgres answers.`
      : 'All of it is there.',
  )
  terminal.print(
    `Start servers with --postgres${source.isServed ? ', stop the old one,' : ''} and keep the folder until you are sure.`,
  )
}

/** It was killed between giving up the folder and opening the target. */
async function endOnly(moved: NonNullable<Begun['moved']>, target: Target, terminal: Terminal): Promise<void> {
  if (target.mark?.id !== moved.id)
    throw new Problem(
      `the folder has moved already, to ${moved.to}. Use that, or go back to what it was then: damson move --undo --from FOLDER`,
    )
  await target.end()
  terminal.print('All of it is there. Start servers with --postgres, and keep the folder until you are sure.')
}

async function beginOrGoOn(begun: Begun, target: Target): Promise<void> {
  if (target.mark === null) return target.begin(begun)
  if (target.mark.id === begun.id && target.mark.seq <= begun.seq) return
  throw new Problem(
    'the target has a part of another folder in it, or of this one as it was once. Use a new database, and damson migrate it.',
  )
}

async function takeBack(source: Source, terminal: Terminal): Promise<void> {
  const { moved } = await source.begin(randomUUID())
  await source.undo()
  if (moved === null) return terminal.print('The move is forgotten. Copy into a new database next time.')
  terminal.print(
    `The folder may be served again, as it was at ${new Date(moved.at).toISOString()}: what happened since is in ${moved.to} alone.`,
  )
  if (source.isServed) terminal.print('Its server has to be started again.')
}

function tableOf({ folder, database }: HandedOver): string {
  return table([
    ['', 'folder', 'database'],
    ...COUNTED.map((name) => [name, String(folder[name]), String(database[name])]),
  ])
}

/** Where it went, without what lets others in. */
function addressOf(url: string): string {
  if (!URL.canParse(url)) return 'a PostgreSQL'
  const address = new URL(url)
  address.password = ''
  return address.href
}
