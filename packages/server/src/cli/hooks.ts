import { type Command, Option } from 'commander'
import { HOOK_TRIGGERS, HOOKS, HOOKS_MAX, type HookRule, type HookTrigger } from '../engine/postbacks/rules.ts'
import { compileTemplate } from '../engine/postbacks/template.ts'
import { appOption } from './chosen-app.ts'
import { dataOption, postgresOption, type Whereabouts, withStore } from './data.ts'
import { appOf, parseRule, secretOf, signerOf } from './postbacks.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

interface Options extends Whereabouts {
  readonly appId?: string
}

interface NewHook extends Options {
  readonly url: string
  readonly on: readonly HookTrigger[]
  readonly event?: readonly string[]
}

export function addHooks(program: Command, terminal: Terminal): void {
  const hooks = program
    .command('hooks')
    .description('URLs to be called when sessions begin or end, and for events. The server must not be running.')

  hooks
    .command('add')
    .description('Make a hook, and show the secret its calls are signed with.')
    .addOption(new Option('--url <template>', 'as for postbacks').makeOptionMandatory().env('DAMSON_URL'))
    .addOption(
      new Option('--on <triggers...>', 'what it is told of')
        .choices(HOOK_TRIGGERS)
        .default(HOOK_TRIGGERS)
        .env('DAMSON_ON'),
    )
    .addOption(new Option('--event <names...>', 'of events, only these').env('DAMSON_EVENT'))
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (options: NewHook) => {
      const { id, secret } = await add(options)
      terminal.print(`Made the hook ${id}. Its calls are signed with:\n\n  ${secret}`)
    })

  hooks
    .command('list')
    .description('Show the hooks of an app.')
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async ({ appId, ...where }: Options) => {
      const rules = await withStore(where, async (store) => {
        const { documents } = await store.documents(await appOf(store, appId), HOOKS.name)
        return [...documents.values()] as HookRule[]
      })
      const lines = rules.map(({ id, on, events, url }) => [String(id), on.join(', '), events.join(', '), url])
      terminal.print(lines.length === 0 ? 'There are no hooks.' : table([['id', 'on', 'events', 'url'], ...lines]))
    })

  hooks
    .command('delete')
    .description('Remove a hook; what it has not sent yet is not sent any more.')
    .argument('<id>', 'of the hook', parseRule)
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: number, { appId, ...where }: Options) => {
      await withStore(where, async (store) => {
        const isGone = await store.changeDocuments<boolean | 'configured'>(
          await appOf(store, appId),
          HOOKS.name,
          ({ documents }) => {
            const rule = documents.get(String(id)) as HookRule | undefined
            if (rule === undefined) return { answer: false }
            return rule.isConfigured ? { answer: 'configured' } : { answer: true, put: { [id]: null } }
          },
        )
        if (isGone === 'configured')
          throw new Problem(`the hook ${id} stands in the configuration file of the server. Take it out there.`)
        if (!isGone) throw new Problem(`there is no hook ${id}. 'damson hooks list' shows those there are.`)
      })
      terminal.print(`Deleted the hook ${id}.`)
    })

  hooks
    .command('secret')
    .description('Show the secret that calls of a hook are signed with.')
    .argument('<id>', 'of the hook', parseRule)
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: number, { appId, ...where }: Options) => {
      terminal.print(await withStore(where, (store) => secretOf(store, where, HOOKS.name, id, appId)))
    })
}

async function add({ appId, url, on, event = [], ...where }: NewHook): Promise<{ id: number; secret: string }> {
  const template = compileTemplate(url)
  if (typeof template === 'string') throw new Problem(`--url cannot be called. ${template}`)
  return withStore(where, async (store) => {
    const app = await appOf(store, appId)
    const signer = signerOf(where)
    const id = await store.changeDocuments(app, HOOKS.name, ({ revision, documents }) => {
      if (documents.size >= HOOKS_MAX) return { answer: null }
      const made = revision + 1
      const rule: HookRule = { id: made, on, events: event, url, createdAt: Date.now() }
      return { answer: made, put: { [made]: rule } }
    })
    if (id === null) throw new Problem(`there are ${HOOKS_MAX} hooks, and no more are looked at. Delete one first.`)
    return { id, secret: signer.secretOf(app, HOOKS.name, id) }
  })
}
