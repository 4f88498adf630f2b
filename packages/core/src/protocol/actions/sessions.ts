import { action } from '../define.ts'
import { wire } from '../wire.ts'
import { CONTENT_ARGS, CONTENT_RESULT } from './content-args.ts'
import { DEVICE_ARGS } from './device-args.ts'
import { PLACE_ARGS } from './place-args.ts'

/** Also what `restart` takes and answers. */
export const START_ARGS = {
  ...DEVICE_ARGS,
  userAttributes: wire.attributes().describe('Attributes to set; `null` clears one, those not named stay.'),
  ...PLACE_ARGS,
  background: wire.boolean().default(false).describe('Not counted as a session until it is resumed.'),
  ...CONTENT_ARGS,
}

export const START_RESULT = {
  ...CONTENT_RESULT,
  token: { type: 'string', description: '43 characters of base64url; SDKs send it along from now on.' },
  notificationChannels: { type: 'array', items: { type: 'object' }, description: 'Android; if there are any.' },
  defaultNotificationChannel: { type: 'string', description: 'The id of one of them.' },
  isRegistered: { type: 'boolean', description: 'Whether the device is a registered developer device; devMode only.' },
  isRegisteredFromOtherApp: { type: 'boolean', description: 'Always false; devMode only.' },
}

export const sessions = {
  start: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    summary: 'Starts a session, or continues one that was paused, and answers the content for the user.',
    section: '8.1',
    args: START_ARGS,
    result: START_RESULT,
  }),
  stop: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Ends the session.',
    section: '8.4',
    args: {},
  }),
  pauseSession: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Pauses the session and its state; paused for 30 minutes, the session ends.',
    section: '8.4',
    args: {},
  }),
  resumeSession: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Resumes the session and its state; starts one where none is open.',
    section: '8.4',
    args: {},
  }),
  heartbeat: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    summary: 'Keeps the session open.',
    section: '8.4',
    args: {},
  }),
}
