import { action } from '../define.ts'
import { wire } from '../wire.ts'

const APP = { scope: 'app', createDisposition: null, section: '8.12' } as const
const DEVELOPMENT = { ...APP, keys: ['development'] } as const

/** What Android 8 and later ask of every notification (specification 8.12). Also what the admin table takes. */
export const CHANNEL_ARGS = {
  id: wire.text().required().describe('One that is there already is updated.'),
  name: wire.text().required().describe('What the user sees in the settings.'),
  importance: wire.integer().default(3).describe('0 (none) to 5 (max), as Android has it.'),
  description: wire.text().describe('What the user sees below the name.'),
  groupId: wire.text().describe('The group it is shown in.'),
  enableLights: wire.boolean().describe('Whether the light blinks.'),
  lightColor: wire.integer().describe('ARGB.'),
  enableVibration: wire.boolean().describe('Whether the device vibrates.'),
  vibrationPattern: wire.integerList().describe('Milliseconds of waiting and vibrating in turn.'),
  lockscreenVisibility: wire.integer().describe('-1 (secret), 0 (private) or 1 (public).'),
  bypassDnd: wire.boolean().describe('Whether it is heard although the user wants no disturbance.'),
  showBadge: wire.boolean().describe('Whether the app has a badge.'),
  sound: wire.text().describe('URI of a sound on the device.'),
  default: wire.boolean().describe('Whether it is the one for messages that name none; the first one is by itself.'),
}

export const channels = {
  addAndroidNotificationChannel: action({
    ...DEVELOPMENT,
    methods: ['POST', 'GET'],
    summary: 'Makes a notification channel, or updates name, description and default of one that is there.',
    args: CHANNEL_ARGS,
    result: {
      channelCreated: { type: 'boolean' },
      channelUpdated: { type: 'boolean' },
      channelId: { type: 'string' },
      name: { type: 'string' },
      importance: { type: 'integer' },
    },
  }),
  getAndroidNotificationChannels: action({
    ...APP,
    keys: ['production', 'development'],
    methods: ['GET', 'POST'],
    summary: 'Answers the notification channels of the app.',
    args: {},
    result: { notificationChannels: { type: 'array', items: { type: 'object' } } },
  }),
  deleteAndroidNotificationChannel: action({
    ...DEVELOPMENT,
    summary: 'Removes a notification channel. The default one can only go when it is the last.',
    args: { channelId: wire.text().required().describe('The channel.') },
    result: { channelDeleted: { type: 'boolean' }, channelId: { type: 'string' } },
  }),
}
