import { action } from '../define.ts'
import { wire } from '../wire.ts'
import type { JsonSchema } from '../wire.ts'

const MESSAGE_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    campaignID: { type: 'integer', description: 'The campaign that sends it; if one does.' },
    campaignName: { type: 'string' },
    scheduledTime: { type: 'number', description: 'UNIX seconds; when the campaign sends it, or sends it next.' },
    name: { type: 'string' },
    active: { type: 'boolean', description: 'Whether users can get it now.' },
    state: { type: 'string', enum: ['draft', 'active', 'finished'] },
    created: { type: 'number', description: 'UNIX seconds' },
    updated: { type: 'number', description: 'UNIX seconds' },
    finished: { type: 'number', description: 'UNIX seconds; of a finished message.' },
    messageType: { type: 'string', description: 'The channel or, of an in-app message, its template.' },
    abTestIds: { type: 'array', items: { type: 'integer' }, description: 'Tests whose variants change it; if any do.' },
    messageLimits: { type: 'object', description: 'How often one user gets it; if that is limited.' },
    localTriggers: { type: 'object', description: 'What has the app show it; of in-app messages.' },
    targetingSticky: { type: 'boolean', description: 'Whether it stays with whoever was in its audience once.' },
    serverTriggers: { type: 'object', description: 'What has the server send it.' },
  },
}

const INCLUDE_DRAFTS = wire.boolean().default(false).describe('Whether messages count that are drafts.')

export const messages = {
  sendMessage: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    methods: ['GET', 'POST'],
    summary: 'Sends a message to a user: to all of their devices, or to one.',
    section: '8.12',
    args: {
      messageId: wire.text().required().describe('The id of the message.'),
      values: wire.object().describe("What its templates say for `{{ value['name'] }}`, by name."),
      force: wire.boolean().default(false).describe('Whether it goes to users it is not meant for.'),
    },
    result: {
      result: { type: 'string', enum: ['Message sent', 'Message not sent'] },
      messagesSent: { type: 'integer', description: 'To how many devices or, of other channels than push, 1.' },
    },
  }),
  getMessage: action({
    scope: 'app',
    keys: ['contentReadOnly', 'contentReadWrite'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers one message.',
    section: '8.12',
    args: { id: wire.integer().required().describe('The id of the message.'), includeDrafts: INCLUDE_DRAFTS },
    result: { message: MESSAGE_SCHEMA },
  }),
  getMessages: action({
    scope: 'app',
    keys: ['contentReadOnly', 'contentReadWrite'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers the messages of the app.',
    section: '8.12',
    args: {
      includeDrafts: INCLUDE_DRAFTS,
      recent: wire.boolean().default(true).describe('Only those that are active or ended within the last 30 days.'),
    },
    result: { messages: { type: 'array', items: MESSAGE_SCHEMA } },
  }),
  getUnsubscribeCategories: action({
    scope: 'app',
    keys: ['contentReadOnly', 'contentReadWrite'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers the categories of messages that users can unsubscribe from.',
    section: '8.12',
    args: {},
    result: {
      categories: {
        type: 'array',
        items: {
          type: 'object',
          properties: { id: { type: 'integer' }, name: { type: 'string' }, description: { type: 'string' } },
        },
      },
    },
  }),
}
