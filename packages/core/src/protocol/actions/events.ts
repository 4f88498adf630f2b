import { action } from '../define.ts'
import { wire } from '../wire.ts'

const OFFLINE = { isOffline: { type: 'boolean', description: 'True: it was stored outside any session.' } }

const PARAMS = wire.flatParams().describe('At most 50; names to texts, numbers and booleans.')

export const events = {
  track: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    summary: 'Tracks one occurrence of an event.',
    section: '8.3',
    args: {
      event: wire
        .text()
        .default('')
        .requiredUnless('messageId')
        .describe('Name of the event. With `messageId`: what was done with the message, empty for Send and View.'),
      value: wire.float().describe('Value of the event, 0 if not said; revenue for the monetisation event.'),
      currencyCode: wire.text().describe('ISO 4217; `value` is converted from it to the currency of the app.'),
      info: wire.text().describe('Free text.'),
      params: PARAMS,
      messageId: wire.integer().describe('The message that the event is about.'),
      disposition: wire
        .choice(['active', 'passive', 'requireActive'])
        .describe(
          '`active` if not said: the user did it. `passive`: not. `requireActive`: in a session or not at all.',
        ),
      allowOffline: wire.boolean().describe('Deprecated: true is `passive`, false is `active`. `disposition` wins.'),
      googlePlayPurchaseData: wire.jsonText().describe('Kept, not verified (SDKs).'),
      googlePlayPurchaseDataSignature: wire.text().describe('Kept, not verified (SDKs).'),
    },
    result: {
      ...OFFLINE,
      ignored: { type: 'boolean', description: 'True: `requireActive`, and there was no active session.' },
    },
  }),
  advance: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Leaves the current state and enters another.',
    section: '8.4',
    args: {
      state: wire.text().default('').describe('Name of the state; empty or `null` enters none.'),
      info: wire.text().describe('Free text.'),
      params: PARAMS,
    },
    result: OFFLINE,
  }),
  pauseState: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Stops the clock of the current state, not that of the session.',
    section: '8.4',
    args: {},
  }),
  resumeState: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Lets the clock of the current state run again.',
    section: '8.4',
    args: {},
  }),
  trackGeofence: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    summary: 'Tracks that the border of a region was crossed: a passive event.',
    section: '8.15',
    args: {
      event: wire.text().required().describe('Name of the event.'),
      value: wire.float().describe('Value of the event, 0 if not said.'),
      info: wire.text().describe('Free text.'),
      params: PARAMS,
    },
    result: OFFLINE,
  }),
}
