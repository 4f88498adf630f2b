import { CHANNEL_ARGS } from './actions/channels.ts'
import { action } from './define.ts'
import type { ArgShape, ArgsOfShape } from './define.ts'
import { KEY_CLASSES } from './key-class.ts'
import { wire } from './wire.ts'
import type { JsonSchema } from './wire.ts'

/** A row of the admin table. All of them need the admin key, which no app has. */
function admin<S extends ArgShape>(summary: string, args: S, result: Readonly<Record<string, JsonSchema>>) {
  return action({ scope: 'app', keys: [], createDisposition: null, section: 'admin', summary, args, result })
}

const appId = wire.text().required().describe('The app.')
const content = wire.object().required().describe('Sections by name, as `damson content export --json` prints them.')

const CHANGES: JsonSchema = {
  type: 'array',
  description: 'What becomes different: `type`, `section`, `name` and its `fields` before and after.',
  items: { type: 'object' },
}

/** What a dashboard or a script may do with a server: the same kind of table as the API's, at a path of its own. */
export const ADMIN_ACTIONS = {
  listApps: admin(
    'Answers the apps and what is known of their keys.',
    {},
    { apps: { type: 'array', items: { type: 'object' } } },
  ),
  createApp: admin(
    'Makes an app with a key of each class, shown this once.',
    {
      name: wire.text().required().describe('What people call it.'),
      appId: wire.text().describe('Its id; a random one if it is left out.'),
    },
    { appId: { type: 'string' }, keys: { type: 'object', description: 'Keys by class.' } },
  ),
  rotateKey: admin(
    'Makes a new key of one class, shown this once, and ends the old ones.',
    {
      appId,
      keyClass: wire.choice(KEY_CLASSES).required().describe('Which key.'),
      keepOldForSeconds: wire.float().default(0).describe('How long the old ones still work.'),
    },
    { key: { type: 'string' } },
  ),
  getContent: admin('Answers the content of an app as it is written down.', { appId }, { content: { type: 'object' } }),
  planContent: admin(
    'Answers what `applyContent` would change, and changes nothing.',
    { appId, content },
    { changes: CHANGES },
  ),
  applyContent: admin(
    'Makes the content of an app what was written down: all of it, or, if something is wrong, nothing.',
    { appId, content, by: wire.text().describe('Who says so: `details` of A/B tests tell it.') },
    { changes: CHANGES },
  ),
  listCampaigns: admin(
    'Answers the campaigns of an app: when each runs next, and what became of its last runs.',
    { appId },
    { campaigns: { type: 'array', items: { type: 'object' } } },
  ),
  runCampaign: admin(
    'Begins a run of an active campaign now, to everybody in its audience.',
    { appId, campaignId: wire.integer().required().describe('The campaign.') },
    { run: { type: 'string', description: 'The id of the run.' } },
  ),
  cancelCampaign: admin(
    'Ends the run of a campaign that goes on; what was sent stays sent. Later runs are begun all the same.',
    { appId, campaignId: wire.integer().required().describe('The campaign.') },
    { cancelled: { type: 'boolean', description: 'Whether there was a run to end.' } },
  ),
  listFiles: admin(
    'Answers the files of variables.',
    { appId },
    { files: { type: 'array', items: { type: 'object' } } },
  ),
  deleteFile: admin(
    'Removes a file.',
    { appId, filename: wire.text().required().describe('The name it was uploaded under.') },
    { removed: { type: 'boolean', description: 'Whether there was one.' } },
  ),
  listNotificationChannels: admin(
    'Answers the Android notification channels.',
    { appId },
    { notificationChannels: { type: 'array', items: { type: 'object' } } },
  ),
  putNotificationChannel: admin(
    'As `addAndroidNotificationChannel`.',
    { appId, ...CHANNEL_ARGS },
    { channelId: { type: 'string' } },
  ),
  deleteNotificationChannel: admin(
    'As `deleteAndroidNotificationChannel`.',
    { appId, channelId: wire.text().required().describe('The channel.') },
    { channelId: { type: 'string' } },
  ),
}

export type AdminActionName = keyof typeof ADMIN_ACTIONS

export type AdminArgsOf<Name extends AdminActionName> = ArgsOfShape<(typeof ADMIN_ACTIONS)[Name]['args']>

export function isAdminActionName(value: unknown): value is AdminActionName {
  return typeof value === 'string' && Object.hasOwn(ADMIN_ACTIONS, value)
}
