import { action } from '../define.ts'
import { wire } from '../wire.ts'

export const batch = {
  /** Its `data` is read by `listActions`, which also takes the shapes that only official SDKs send. */
  multi: action({
    scope: 'batch',
    keys: ['production', 'development'],
    createDisposition: null,
    summary: 'Runs a list of actions in order; the answer has one element for each.',
    section: '8.11',
    args: {
      data: wire
        .list()
        .required()
        .describe('The actions: at most 500, of at most 50 users; or text that holds them as JSON.'),
    },
  }),
}
