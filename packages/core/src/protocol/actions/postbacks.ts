import { action } from '../define.ts'
import { MAX_POSTBACK_URL_LENGTH } from '../limits.ts'
import { wire } from '../wire.ts'

/** What a postback may be triggered by. */
export const POSTBACK_TYPES = ['messageEvents', 'abTestEvents'] as const
export type PostbackType = (typeof POSTBACK_TYPES)[number]

/** By which messages reach people, as postbacks spell it. */
export const MESSAGE_CHANNELS = ['Push Notification', 'Email', 'In-app Message'] as const
export type MessageChannel = (typeof MESSAGE_CHANNELS)[number]

const APP = { scope: 'app', keys: ['dataExport'], createDisposition: null, section: '8.9' } as const

export const postbacks = {
  addPostback: action({
    ...APP,
    summary: 'Adds a rule: a URL that is called when a message or A/B event happens. At most three per app.',
    args: {
      type: wire.choice(POSTBACK_TYPES).default('messageEvents').describe('What triggers it.'),
      channels: wire
        .choiceList(MESSAGE_CHANNELS)
        .default(MESSAGE_CHANNELS)
        .describe('Of messages: the channels whose events trigger it; none means all.'),
      postbackUrl: wire
        .text()
        .required()
        .describe(
          `http or https, up to ${MAX_POSTBACK_URL_LENGTH} characters. {{User ID}}, {{Device ID}}, {{Trigger time}}, ` +
            '{{Message ID}}, {{Message event}}, {{Message channel}}, {{Template name}}, {{Parameters}}, {{AB test ID}} ' +
            'and {{Variant ID}} may stand after the host, and are filled in.',
        ),
    },
    result: {
      postbackId: { type: 'integer' },
      signingSecret: {
        type: 'string',
        description:
          'With which calls are signed (Standard Webhooks); shown this once. Absent if the server signs nothing.',
      },
    },
  }),
  listPostbacks: action({
    ...APP,
    methods: ['GET', 'POST'],
    summary: 'Answers the rules there are.',
    args: {},
    result: {
      postbacks: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            postbackId: { type: 'integer' },
            type: { type: 'string', enum: POSTBACK_TYPES },
            postbackUrl: { type: 'string' },
            channels: { type: 'array', items: { type: 'string', enum: MESSAGE_CHANNELS } },
          },
        },
      },
    },
  }),
  deletePostback: action({
    ...APP,
    summary: 'Removes a rule; what it has not sent yet is not sent any more.',
    args: { postbackId: wire.integer().required().describe('The rule.') },
  }),
}
