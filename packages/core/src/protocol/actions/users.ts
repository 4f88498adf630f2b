import { action } from '../define.ts'
import { wire } from '../wire.ts'
import { DEVICE_ARGS } from './device-args.ts'
import { PLACE_ARGS } from './place-args.ts'

const CHANNELS = ['Email', 'Push Notification', 'Webhook', 'Newsfeed Message'] as const

export const users = {
  setUserAttributes: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    summary: 'Changes what is known of a user; needs no session.',
    section: '8.5',
    args: {
      userAttributes: wire.attributes().describe('Attributes to set; `null` clears one, those not named stay.'),
      userAttributeValuesToAdd: wire.attributes().describe('Value or values to add to set-valued attributes.'),
      userAttributeValuesToRemove: wire.attributes().describe('Value or values to remove from set-valued attributes.'),
      userAttributeValuesToIncrement: wire.attributes().describe('Integers to add; what is no integer is passed over.'),
      unsubscribeCategoriesToAdd: wire.integerList().describe('Email categories to unsubscribe from.'),
      unsubscribeCategoriesToRemove: wire.integerList().describe('Email categories to subscribe to again.'),
      unsubscribeChannelsToAdd: wire.choiceList(CHANNELS).describe('Channels to unsubscribe from; one, or a list.'),
      unsubscribeChannelsToRemove: wire.choiceList(CHANNELS).describe('Channels to subscribe to again.'),
      newUserId: wire.id().describe('Registers, logs in or switches the user.'),
      events: wire
        .object()
        .describe('By name: count, countIncrement, value, valueIncrement, firstTime, lastTime; at least one of them.'),
      states: wire.object().describe('By name: count, countIncrement, firstTime, lastTime; at least one of them.'),
      created: wire.instant().describe('When the user was created. UNIX seconds.'),
      lastActive: wire.instant().describe('When the user was last active. UNIX seconds.'),
      totalSessions: wire.integer().describe('How many sessions there were.'),
      timeSpentInApp: wire.float().describe('How long they were in all. Seconds.'),
      ...PLACE_ARGS,
      devices: wire.objectList().describe('Devices with their `deviceId`; those without one are passed over.'),
      resetAnomalies: wire
        .boolean()
        .default(false)
        .describe('Forgets that the user once sent impossible times. Needs the development key.'),
    },
  }),
  setDeviceAttributes: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    subject: 'device',
    summary: 'Creates or changes a device.',
    section: '8.6',
    args: DEVICE_ARGS,
  }),
  setTrafficSourceInfo: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    summary: 'Says what brought the user to the app.',
    section: '8.7',
    args: {
      trafficSource: wire
        .object()
        .required()
        .describe(
          'publisherId, publisherName, publisherSubPublisher, publisherSubSite, publisherSubCampaign, ' +
            'publisherSubAdGroup, publisherSubAd: any of them.',
        ),
    },
  }),
  registerDevice: action({
    scope: 'profile',
    keys: ['development'],
    createDisposition: null,
    subject: 'device',
    summary: 'Registers a device for development.',
    section: '8.8',
    args: { email: wire.text().required().describe('The developer.') },
    result: { registered: { type: 'boolean', description: 'False: it was registered before.' } },
  }),
  deleteUser: action({
    scope: 'profile',
    keys: ['development'],
    createDisposition: null,
    summary: 'Deletes a profile; by device only where nobody ever logged in.',
    section: '8.8',
    args: { fullErasure: wire.boolean().default(false).describe('Also erases sessions and analytics.') },
  }),
  block: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: null,
    summary: 'Erases what was collected of a user and refuses anything new.',
    section: '8.8',
    args: {},
  }),
  unblock: action({
    scope: 'profile',
    keys: ['development', 'production'],
    createDisposition: null,
    summary: 'Collects again; nothing comes back.',
    section: '8.8',
    args: {},
  }),
  exportUser: action({
    scope: 'profile',
    keys: ['dataExport'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers all that is known of a user.',
    section: '8.10',
    args: {},
    result: {
      userId: { type: 'string' },
      created: { type: 'number', description: 'UNIX seconds.' },
      lastActive: { type: ['number', 'null'], description: 'UNIX seconds; `null` if never active in a session.' },
      totalSessions: { type: 'integer' },
      timeSpentInApp: { type: 'number', description: 'Seconds.' },
      locale: { type: 'string' },
      country: { type: 'string' },
      region: { type: 'string' },
      city: { type: 'string' },
      location: { type: 'string', description: '"latitude,longitude".' },
      locationAccuracyType: { type: 'string' },
      timezone: { type: 'string' },
      timezoneOffsetSeconds: { type: 'integer' },
      userAttributes: { type: 'object', description: 'Booleans are written "True" and "False".' },
      events: { type: 'object', description: 'By name: count, value, firstTime, lastTime.' },
      states: { type: 'object', description: 'By name: count, firstTime, lastTime.' },
      devices: { type: 'array', items: { type: 'object' } },
      unsubscribeChannels: { type: 'array', items: { type: 'string' } },
      unsubscribeCategories: { type: 'array', items: { type: 'object' } },
      userBucket: { type: 'integer', minimum: 0, maximum: 999 },
    },
  }),
}
