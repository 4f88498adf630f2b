import { createInterface } from 'node:readline/promises'
import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import { exportedContent, type Plan, planContent } from '../content/plan.ts'
import { readContent } from '../content/read-content.ts'
import { contentKind } from '../content/snapshot.ts'
import type { ContentSource } from '../content/source.ts'
import type { Store } from '../store/store.ts'
import { appOption, chosenApp } from './chosen-app.ts'
import { brokenContent, readContentFiles, type WrittenContent } from './content-file.ts'
import { planText } from './content-plan.ts'
import { dataOption, postgresOption, type Whereabouts, withStore } from './data.ts'
import { Problem } from './problem.ts'
import type { Terminal } from './terminal.ts'

interface ApplyOptions {
  readonly appId?: string
  readonly data: string
  readonly postgres?: string
  readonly yes?: true
  readonly dryRun?: true
  readonly by?: string
}

export function addContent(program: Command, terminal: Terminal): void {
  const content = program
    .command('content')
    .description('Variables, audiences and A/B tests as files. The server of a folder must not be running.')

  content
    .command('apply')
    .description('Make the content of an app what a file or folder of YAML or JSON says. Shows a plan first.')
    .argument('<path>', 'a file, or a folder whose files are taken together')
    .addOption(appOption())
    .addOption(new Option('--yes', 'do not ask').env('DAMSON_YES'))
    .addOption(new Option('--dry-run', 'show the plan and change nothing').conflicts('yes').env('DAMSON_DRY_RUN'))
    .addOption(
      new Option('--by <name>', 'who says so; getAbTest tells it (default: who is logged in)').env('DAMSON_BY'),
    )
    .addOption(dataOption())
    .addOption(postgresOption())
    .addHelpText(
      'after',
      `
A section that the files name is taken whole: what it does not hold any more is removed. Sections they do not name stay.

Examples:
  damson content apply content.yaml --dry-run
  damson content apply content/ --yes --data /var/lib/damson`,
    )
    .action(async (path: string, options: ApplyOptions) => {
      const written = readContentFiles(path)
      const read = readContent(written.value)
      if (!read.ok) throw brokenContent(written, read.problems)
      await withStore(options, (store) => apply(store, written, read.content, options, terminal))
    })

  content
    .command('export')
    .description('Print the content of an app as a file that apply takes.')
    .addOption(appOption())
    .addOption(new Option('--json', 'JSON instead of YAML').env('DAMSON_JSON'))
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async ({ appId, json, ...where }: Whereabouts & { appId?: string; json?: true }) => {
      const exported = await withStore(where, async (store) => {
        const app = chosenApp(await store.apps(), appId)
        return exportedContent((await store.documents(app.appId, contentKind.name)).documents)
      })
      terminal.print(json ? JSON.stringify(exported, null, 2) : stringify(exported).trimEnd())
    })
}

async function apply(
  store: Store,
  written: WrittenContent,
  content: ContentSource,
  { appId: wanted, yes, dryRun, by = process.env.USER }: ApplyOptions,
  terminal: Terminal,
): Promise<void> {
  const { appId } = chosenApp(await store.apps(), wanted)
  const now = Date.now()
  const plan = planContent(content, await store.documents(appId, contentKind.name), now)
  if (!plan.ok) throw brokenContent(written, plan.problems)
  terminal.print(planText(appId, plan.changes))
  if (plan.changes.length === 0 || dryRun) return
  if (!yes && !(await isAgreed(terminal))) throw new Problem('nothing was changed. Say yes, or give --yes.')
  const done = await store.changeDocuments<Plan | null>(appId, contentKind.name, (set) => {
    const again = planContent(content, set, now, by)
    const isSame = again.ok && JSON.stringify(again.changes) === JSON.stringify(plan.changes)
    return isSame ? { answer: again, put: again.put } : { answer: null }
  })
  if (done === null)
    throw new Problem('the content was changed by somebody else meanwhile; nothing was done. Try again.')
  terminal.print('Done.')
}

async function isAgreed(terminal: Terminal): Promise<boolean> {
  terminal.print("Make these changes? Type 'yes':")
  const lines = createInterface({ input: terminal.stdin })
  try {
    for await (const line of lines) return line.trim().toLowerCase() === 'yes'
    return false
  } finally {
    lines.close()
  }
}
