import { type Command, InvalidArgumentError, Option } from 'commander'
import { MESSAGE_DELIVERY } from '../engine/messages/outgoing.ts'
import { POSTBACKS, type PostbackRule, RULE_KINDS } from '../engine/postbacks/rules.ts'
import { createSigner, type Signer } from '../services/signing.ts'
import type { Delivery } from '../store/deliveries.ts'
import type { Store } from '../store/store.ts'
import { appOption, chosenApp } from './chosen-app.ts'
import { dataOption, postgresOption, type Whereabouts, withStore } from './data.ts'
import { masterKeysOf } from './master-key.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

interface Options extends Whereabouts {
  readonly appId?: string
}

/** More are not shown at once. */
const SHOWN_MAX = 100

export function addPostbacks(program: Command, terminal: Terminal): void {
  const postbacks = program
    .command('postbacks')
    .description('Look at postbacks, and send again what has failed. The server must not be running on the folder.')

  postbacks
    .command('list')
    .description('Show the rules of an app, and how much waits to be sent or has failed.')
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async ({ appId, ...where }: Options) => {
      terminal.print(await withStore(where, async (store) => rulesPage(store, await appOf(store, appId))))
    })

  postbacks
    .command('failed')
    .description('Show what has failed, of postbacks, hooks and messages. It is kept for 30 days.')
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async ({ appId, ...where }: Options) => {
      const failed = await withStore(where, async (store) => failedOf(store, await appOf(store, appId)))
      terminal.print(failed.length === 0 ? 'Nothing has failed.' : failedPage(failed))
    })

  postbacks
    .command('retry')
    .description('Send again what has failed, with all its tries anew, when the server runs again.')
    .argument('[ids...]', "as 'failed' shows them")
    .addOption(new Option('--all', 'everything that has failed').env('DAMSON_ALL'))
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (ids: string[], { appId, all, ...where }: Options & { all?: true }) => {
      if ((ids.length === 0) === (all !== true))
        throw new Problem("name what to retry, as 'failed' shows it, or say --all.")
      const revived = await withStore(where, async (store) => {
        const app = await appOf(store, appId)
        return revive(store, app, all ? (await failedOf(store, app)).map(({ id }) => id) : ids)
      })
      terminal.print(`${revived} will be sent when the server runs.`)
    })

  postbacks
    .command('secret')
    .description('Show the secret that calls of a rule are signed with.')
    .argument('<id>', 'of the rule', parseRule)
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: number, { appId, ...where }: Options) => {
      terminal.print(await withStore(where, (store) => secretOf(store, where, POSTBACKS.name, id, appId)))
    })
}

export function parseRule(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected the number of a rule.')
  return Number(text)
}

/** The secret of a rule that is there. */
export async function secretOf(
  store: Store,
  where: Whereabouts,
  kind: string,
  id: number,
  appId?: string,
): Promise<string> {
  const app = await appOf(store, appId)
  const { documents } = await store.documents(app, kind)
  const rules = [...documents.values()] as { readonly id: number }[]
  if (!rules.some((rule) => rule.id === id))
    throw new Problem(`there is no ${kind} ${id} in the app '${app}'. 'damson ${kind}s list' shows those there are.`)
  return signerOf(where).secretOf(app, kind, id)
}

export function signerOf(where: Whereabouts): Signer {
  const [newest, ...older] = masterKeysOf(where)
  if (newest === undefined) throw new Problem('nothing is signed, for there is no master key. Set DAMSON_MASTER_KEY.')
  return createSigner([newest, ...older])
}

export async function appOf(store: Store, appId: string | undefined): Promise<string> {
  return chosenApp(await store.apps(), appId).appId
}

async function rulesPage(store: Store, appId: string): Promise<string> {
  const { documents } = await store.documents(appId, POSTBACKS.name)
  const rules = ([...documents.values()] as PostbackRule[]).toSorted((one, two) => one.id - two.id)
  const lines = rules.map(({ id, type, channels, url }) => [
    String(id),
    type,
    type === 'messageEvents' ? channels.join(', ') : '',
    url,
  ])
  const rulesTable = table([['id', 'type', 'channels', 'url'], ...lines])
  const counts = await Promise.all(
    (['waiting', 'failed'] as const).map((status) => count(store.deliveries({ appId, kind: POSTBACKS.name, status }))),
  )
  const summary = `${counts[0]} wait to be sent, ${counts[1]} have failed.`
  return rules.length === 0 ? `There are no rules. ${summary}` : `${rulesTable}\n\n${summary}`
}

async function failedOf(store: Store, appId: string): Promise<Delivery[]> {
  const failed: Delivery[] = []
  for (const kind of [...RULE_KINDS.map(({ name }) => name), MESSAGE_DELIVERY])
    for await (const delivery of store.deliveries({ appId, kind, status: 'failed' })) failed.push(delivery)
  return failed
}

function failedPage(failed: readonly Delivery[]): string {
  const lines = failed
    .slice(-SHOWN_MAX)
    .map(({ id, kind, failedAt, attempt, note }) => [
      id,
      kind,
      new Date(failedAt ?? 0).toISOString(),
      String(attempt),
      note ?? '',
    ])
  const more = failed.length > SHOWN_MAX ? `\n\nThe last ${SHOWN_MAX} of ${failed.length}.` : ''
  return `${table([['id', 'kind', 'failed at', 'tries', 'why'], ...lines])}${more}`
}

async function revive(store: Store, appId: string, ids: readonly string[]): Promise<number> {
  for (const id of ids) {
    const isRevived = await store.reviveDelivery(appId, id, Date.now())
    if (!isRevived) throw new Problem(`nothing that failed has the id '${id}' in the app '${appId}'.`)
  }
  return ids.length
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let total = 0
  for await (const _ of items) total += 1
  return total
}
