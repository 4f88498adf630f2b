import { type Clock, SECOND_MS } from '@damson/core'
import { type AdminActionName, type AdminArgsOf, done, failed, type Outcome } from '@damson/core/protocol'
import { type ContentProblem } from '../content/check.ts'
import { filesKind, type KeptFile } from '../content/files.ts'
import { exportedContent, type Plan, planContent } from '../content/plan.ts'
import { readContent } from '../content/read-content.ts'
import { contentKind } from '../content/snapshot.ts'
import type { App } from '../engine/app.ts'
import { beginRun, cancelRun, runsOf } from '../engine/campaign-jobs.ts'
import { JOB_KIND } from '../engine/job.ts'
import type { RunningEngine } from '../engine/engine.ts'
import { CHANNELS, toldChannels, withChannel, withoutChannel } from '../engine/notification-channels.ts'
import { refusal } from '../http/responses.ts'
import { toldCampaign } from './told-campaign.ts'
import { ISSUED_CLASSES, keptApp, randomAppId, randomKey, randomKeys, rotated } from '../new-app.ts'
import type { Files } from '../store/files.ts'
import type { DocumentChange, DocumentSet, Store } from '../store/store.ts'

export interface AdminPorts {
  readonly engine: RunningEngine
  readonly store: Store
  readonly files: Files
  readonly clock: Clock
}

type AdminHandler<Name extends AdminActionName> = (
  args: AdminArgsOf<Name>,
  ports: AdminPorts,
) => Outcome | Promise<Outcome>

/** The other half of the admin table: leave one out, and the compiler names it. */
export const adminHandlers: { readonly [Name in AdminActionName]: AdminHandler<Name> } = {
  listApps: (_, { engine }) => done({ apps: engine.apps().map(toldApp) }),

  async createApp({ name, appId = randomAppId() }, { engine, clock }) {
    if (appOf(engine, appId) !== undefined) return failed('INVALID_ARGUMENT', { name: 'appId' })
    const keys = randomKeys()
    const lists = Object.fromEntries(ISSUED_CLASSES.map((keyClass) => [keyClass, [keys[keyClass]]]))
    await engine.saveApp(keptApp(engine.apps(), { appId, name, keys: lists }, clock.now()))
    return done({ appId, keys })
  },

  async rotateKey({ appId, keyClass, keepOldForSeconds }, { engine, clock }) {
    const app = appOf(engine, appId)
    if (app === undefined) return failed('APP_NOT_FOUND')
    const issued = ISSUED_CLASSES.find((one) => one === keyClass)
    if (issued === undefined) return failed('INVALID_ARGUMENT', { name: 'keyClass' })
    if (keepOldForSeconds < 0) return failed('INVALID_ARGUMENT', { name: 'keepOldForSeconds' })
    const key = randomKey(issued)
    await engine.saveApp(rotated(app, issued, key, keepOldForSeconds * SECOND_MS, clock.now()))
    return done({ key })
  },

  async getContent({ appId }, { engine, store }) {
    if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
    const { documents } = await store.documents(appId, contentKind.name)
    return done({ content: exportedContent(documents) })
  },

  planContent: ({ appId, content }, { engine, store, clock }) =>
    planned(engine, appId, content, async (wanted) =>
      planContent(wanted, await store.documents(appId, contentKind.name), clock.now()),
    ),

  applyContent: ({ appId, content, by }, { engine }) =>
    planned(engine, appId, content, (wanted) => engine.applyContent(appId, wanted, by)),

  async listCampaigns({ appId }, { engine, store, clock }) {
    if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
    const { documents } = await store.documents(appId, JOB_KIND)
    const campaigns = [...engine.campaignsOf(appId).values()]
    return done({ campaigns: campaigns.map((one) => toldCampaign(one, runsOf(documents, one.id), clock.now())) })
  },

  async runCampaign({ appId, campaignId }, { engine, store, clock }) {
    const app = appOf(engine, appId)
    if (app === undefined) return failed('APP_NOT_FOUND')
    const campaign = engine.campaignsOf(appId).get(campaignId)
    if (campaign?.source.state !== 'active') return refusal(404, 'Expected an active campaign of this app.')
    const now = clock.now()
    const run = await store.changeDocuments(appId, JOB_KIND, (set) => beginRun(set, app.number, campaignId, now, now))
    return run === null
      ? refusal(409, 'A run of this campaign goes on; cancel it first, or wait for its end.')
      : done({ run })
  },

  async cancelCampaign({ appId, campaignId }, { engine, store }) {
    if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
    return done({ cancelled: await store.changeDocuments(appId, JOB_KIND, (set) => cancelRun(set, campaignId)) })
  },

  async listFiles({ appId }, { engine, store }) {
    if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
    const { documents } = await store.documents(appId, filesKind.name)
    const files = [...(documents as ReadonlyMap<string, KeptFile>)].map(([filename, { bytes, md5, uploadedAt }]) => {
      return { filename, bytes, md5, uploaded: uploadedAt / SECOND_MS }
    })
    return done({ files })
  },

  async deleteFile({ appId, filename }, { engine, store, files }) {
    if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
    const file = await store.changeDocuments(appId, filesKind.name, ({ documents }) => ({
      answer: documents.get(filename) as KeptFile | undefined,
      put: documents.has(filename) ? { [filename]: null } : {},
    }))
    await engine.refresh()
    if (file !== undefined) await files.remove(file.path)
    return done({ removed: file !== undefined })
  },

  async listNotificationChannels({ appId }, { engine, store }) {
    if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
    const { documents } = await store.documents(appId, CHANNELS.name)
    return done({ notificationChannels: toldChannels(CHANNELS.compile(documents)) })
  },

  putNotificationChannel: ({ appId, ...channel }, ports) =>
    changedChannels(appId, ports, (set) => withChannel(channel, set)),

  deleteNotificationChannel: ({ appId, channelId }, ports) =>
    changedChannels(appId, ports, (set) => withoutChannel(channelId, set)),
}

async function changedChannels(
  appId: string,
  { engine, store }: AdminPorts,
  decide: (set: DocumentSet) => DocumentChange<Outcome>,
): Promise<Outcome> {
  if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
  const outcome = await store.changeDocuments(appId, CHANNELS.name, decide)
  await engine.refresh()
  return outcome
}

type Wanted = Parameters<RunningEngine['applyContent']>[1]

async function planned(
  engine: RunningEngine,
  appId: string,
  content: unknown,
  plan: (wanted: Wanted) => Promise<Plan>,
): Promise<Outcome> {
  if (appOf(engine, appId) === undefined) return failed('APP_NOT_FOUND')
  const read = readContent(content)
  const made = read.ok ? await plan(read.content) : read
  return made.ok ? done({ changes: made.changes }) : broken(made.problems)
}

/** Every problem is told: in words, and as data. */
function broken(problems: readonly ContentProblem[]): Outcome {
  const error = problems.map(({ path, reason }) => `content.${path.join('.')}: ${reason}`).join('; ')
  return { status: 400, success: false, error, fields: { problems } }
}

function appOf(engine: RunningEngine, appId: string): App | undefined {
  return engine.apps().find((app) => app.appId === appId)
}

/** Of a key only what tells it from others: nobody can read it back. */
function toldApp({ appId, name, number, keys }: App): object {
  return {
    appId,
    name,
    number,
    keys: keys.map(({ keyClass, last4, createdAt, expiresAt }) => ({
      keyClass,
      last4,
      created: createdAt / SECOND_MS,
      ...(expiresAt !== null && { expires: expiresAt / SECOND_MS }),
    })),
  }
}
