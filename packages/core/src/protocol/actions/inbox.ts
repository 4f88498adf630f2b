import { action } from '../define.ts'
import { wire } from '../wire.ts'

const INBOX = {
  scope: 'profile',
  keys: ['production', 'development'],
  createDisposition: null,
  section: '8.12',
} as const

const newsfeedMessageId = wire.text().required().describe('Its id in the inbox: `<messageId>##<n>`.')

/** What official SDKs do with the inbox, although no published reference names it (specification 8.12). */
export const inbox = {
  getNewsfeedMessages: action({
    ...INBOX,
    methods: ['POST', 'GET'],
    summary: "Answers the messages in a user's inbox.",
    args: {},
    result: {
      newsfeedMessages: {
        type: 'object',
        description: 'By id.',
        additionalProperties: {
          type: 'object',
          properties: {
            deliveryTimestamp: { type: 'integer', description: 'UNIX milliseconds.' },
            expirationTimestamp: { type: 'integer', description: 'UNIX milliseconds; absent if it never expires.' },
            isRead: { type: 'boolean' },
            messageData: { type: 'object', description: 'What to show, and where opening it leads.' },
          },
        },
      },
    },
  }),
  markNewsfeedMessageAsRead: action({
    ...INBOX,
    summary: 'Marks a message in the inbox as read.',
    args: { newsfeedMessageId },
  }),
  deleteNewsfeedMessage: action({
    ...INBOX,
    summary: 'Removes a message from the inbox.',
    args: { newsfeedMessageId },
  }),
}
