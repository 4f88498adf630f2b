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
        .requiredUnless('createJob')
        .describe('The actions: at most 500, of at most 50 users; or text that holds them as JSON.'),
      exactTime: wire
        .boolean()
        .default(false)
        .describe(
          'Ours, not of the original. The sender keeps its clock: a difference of up to two seconds between `time` and the ' +
            'server is the way of the request, and its actions are not put later by it.',
        ),
      createJob: wire.boolean().default(false).describe('Imports a file instead, as a job. Needs the development key.'),
      gcsBucket: wire.text().describe('Where the file is: a folder of the server, or a URL that files are below.'),
      file: wire.text().describe('Its name; a CSV. Or the file itself, in a form or as the body.'),
      defaultAction: wire.text().describe('What rows without an `action` mean.'),
    },
  }),
}
