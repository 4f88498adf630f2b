import { Command, CommanderError } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { addApps } from './apps.ts'
import { addCampaigns } from './campaigns.ts'
import { addContent } from './content.ts'
import { addBackup } from './backup.ts'
import { addImport } from './import.ts'
import { addHooks } from './hooks.ts'
import { addPostbacks } from './postbacks.ts'
import { tell } from './problem.ts'
import { addMigrate } from './migrate.ts'
import { addMove } from './move/command.ts'
import { addReplay } from './replay.ts'
import { addServe } from './serve.ts'
import type { Terminal } from './terminal.ts'
import { addUsers } from './users.ts'

const EXAMPLES = `
Examples:
  damson serve --data ./data                          keep everything in ./data
  damson serve --memory --demo                        try it out, keep nothing
  damson apps create --name 'My app' --data ./data    an app of your own, with its keys
  damson replay access.log.gz                         sessions in the log of a web server
  damson users show ann --data ./data                 all that is known of a user
  damson content apply content.yaml --dry-run         what a file would change of variables and tests
  damson migrate --postgres URL                       make the tables for many servers
  damson serve --postgres URL                         one of them
  damson postbacks failed --data ./data               what could not be sent, and why

Each flag has an environment variable, which 'damson COMMAND --help' names; a flag wins over it.`

/** Runs one command line. Resolves with the exit code; whatever goes wrong is told in one line. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('damson')
    .description('The Leanplum REST API as software anyone can run.')
    .version(manifest.version)
    .addHelpText('after', EXAMPLES)
  addServe(program, terminal)
  addApps(program, terminal)
  addMigrate(program, terminal)
  addMove(program, terminal)
  addReplay(program, terminal)
  addUsers(program, terminal)
  addImport(program, terminal)
  addBackup(program, terminal)
  addContent(program, terminal)
  addCampaigns(program, terminal)
  addPostbacks(program, terminal)
  addHooks(program, terminal)
  prepare(program, terminal)
  try {
    ignoreFlagsTurnedOff(program)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has told it already, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode
    terminal.complain(tell(error))
    return 1
  }
}

/** Settings are not inherited by commands that are there already, so each one gets them. */
function prepare(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.print(text.trimEnd()),
    writeErr: (text) => terminal.complain(text.trimEnd()),
    outputError: (text, write) => write(text.replace(/^error: /, 'damson: ')),
  })
  for (const child of command.commands) prepare(child, terminal)
}

/** For commander a flag without a value is on as soon as its variable exists; `DAMSON_DEMO=0` should mean no. */
function ignoreFlagsTurnedOff(command: Command): void {
  for (const { envVar, required, optional } of command.options) {
    if (envVar === undefined || required || optional) continue
    if (/^(0|false|no|off|)$/i.test(process.env[envVar] ?? 'unset')) delete process.env[envVar]
  }
  for (const child of command.commands) ignoreFlagsTurnedOff(child)
}
