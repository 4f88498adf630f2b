import { systemClock } from '@damson/core'
import { type Command, InvalidArgumentError } from 'commander'
import type { Campaign } from '../content/campaigns.ts'
import { compileContent, contentKind } from '../content/snapshot.ts'
import { toldCampaign } from '../admin/told-campaign.ts'
import { beginRun, cancelRun, runsOf } from '../engine/campaign-jobs.ts'
import { JOB_KIND } from '../engine/job.ts'
import type { Store } from '../store/store.ts'
import { appOption, chosenApp } from './chosen-app.ts'
import { dataOption, postgresOption, type Whereabouts, withStore } from './data.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

interface Options extends Whereabouts {
  readonly appId?: string
}

/** Of each campaign, so many runs are shown. */
const RUNS_SHOWN = 3

export function addCampaigns(program: Command, terminal: Terminal): void {
  const campaigns = program
    .command('campaigns')
    .description('Look at campaigns, begin and end their runs. The server must not be running on the folder.')

  campaigns
    .command('list')
    .description('Show the campaigns of an app, when each runs next, and how far its last runs are.')
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async ({ appId, ...where }: Options) => {
      terminal.print(await withStore(where, (store) => page(store, appId)))
    })

  campaigns
    .command('run')
    .description('Begin a run for everybody in the audience. It is carried out when a server runs.')
    .argument('<id>', 'of the campaign', parseId)
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: number, { appId, ...where }: Options) => {
      const run = await withStore(where, async (store) => {
        const app = chosenApp(await store.apps(), appId)
        if ((await campaignOf(store, app.appId, id)).source.state !== 'active')
          throw new Problem(`the campaign ${id} is not active. Set its state, and apply the content.`)
        const now = systemClock.now()
        return store.changeDocuments(app.appId, JOB_KIND, (set) => beginRun(set, app.number, id, now, now))
      })
      if (run === null)
        throw new Problem(`a run of the campaign ${id} goes on. End it first: 'damson campaigns cancel'.`)
      terminal.print(`Began ${run}.`)
    })

  campaigns
    .command('cancel')
    .description('End the run that goes on; what was sent stays sent.')
    .argument('<id>', 'of the campaign', parseId)
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: number, { appId, ...where }: Options) => {
      const isOver = await withStore(where, async (store) => {
        const app = chosenApp(await store.apps(), appId)
        await campaignOf(store, app.appId, id)
        return store.changeDocuments(app.appId, JOB_KIND, (set) => cancelRun(set, id))
      })
      terminal.print(isOver ? `Ended the run of the campaign ${id}.` : `No run of the campaign ${id} goes on.`)
    })
}

function parseId(text: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new InvalidArgumentError('Expected the id of a campaign.')
  return Number(text)
}

async function campaignOf(store: Store, appId: string, id: number): Promise<Campaign> {
  const { campaigns } = compileContent((await store.documents(appId, contentKind.name)).documents)
  const found = campaigns.get(id)
  if (found !== undefined) return found
  throw new Problem(`there is no campaign ${id} in the app '${appId}'. 'damson campaigns list' shows those there are.`)
}

async function page(store: Store, chosen: string | undefined): Promise<string> {
  const { appId } = chosenApp(await store.apps(), chosen)
  const { campaigns } = compileContent((await store.documents(appId, contentKind.name)).documents)
  if (campaigns.size === 0) return 'There are no campaigns.'
  const { documents } = await store.documents(appId, JOB_KIND)
  const lines = [...campaigns.values()].flatMap((campaign) => {
    const { id, name, state, next, runs } = toldCampaign(campaign, runsOf(documents, campaign.id), systemClock.now())
    const line = [String(id), name, state, next === undefined ? '' : `next ${instantText(next)}`, '', '']
    const shown = runs.slice(0, RUNS_SHOWN)
    return [
      line,
      ...shown.map((run) => ['', '', run.state, instantText(run.time), `${run.sent} sent`, `${run.users} looked at`]),
    ]
  })
  return table([['id', 'name', 'state', 'time (UTC)', '', ''], ...lines])
}

function instantText(seconds: number): string {
  return new Date(seconds * 1_000)
    .toISOString()
    .replace(/:\d\d\.\d+Z$/, '')
    .replace('T', ' ')
}
