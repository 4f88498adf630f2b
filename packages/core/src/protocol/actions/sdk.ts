import { action } from '../define.ts'
import { wire } from '../wire.ts'
import { START_ARGS, START_RESULT } from './sessions.ts'

/** What official SDKs call although no published reference names it (specification 8.15). */
export const sdk = {
  getMigrateState: action({
    scope: 'app',
    keys: ['production', 'development'],
    createDisposition: null,
    summary: 'Tells SDKs to stay with this API; they wait for it before they start.',
    section: '8.15',
    args: {},
    result: {
      state: { type: 'string', const: 'NONE' },
      sdk: { type: 'string', const: 'lp' },
      sha256: { type: 'string', description: '64 hexadecimal digits, always the same.' },
      api: { type: 'object', properties: { profile: { const: 'lp' }, events: { const: 'lp' } } },
    },
  }),
  log: action({
    scope: 'app',
    keys: ['production', 'development'],
    createDisposition: null,
    summary: 'Takes diagnostics of an SDK.',
    section: '8.15',
    args: {
      type: wire.text().describe('sdkLog or sdkCount.'),
      message: wire.text().describe('The text.'),
      name: wire.text().describe('Name of a counter.'),
      count: wire.integer().describe('Value of the counter.'),
      stackTrace: wire.text().describe('Where it happened.'),
    },
  }),
  restart: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateIfNeeded',
    summary: 'As `start`.',
    section: '8.15',
    args: START_ARGS,
    result: START_RESULT,
  }),
}
