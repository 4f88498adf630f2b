import { action } from '../define.ts'
import { wire } from '../wire.ts'

export const imports = {
  getMultiResults: action({
    scope: 'app',
    keys: ['development'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Tells how far an import is and, at its end, what became of its rows; for 24 hours.',
    section: '8.11',
    args: { jobId: wire.text().required().describe('The job.') },
    result: {
      state: { type: 'string', enum: ['PENDING', 'RUNNING', 'FINISHED', 'FAILED'] },
      data: {
        type: 'object',
        properties: {
          successesCount: { type: 'integer' },
          failuresCount: { type: 'integer' },
          files: { type: 'array', items: { type: 'string', format: 'uri' } },
        },
      },
    },
  }),
}
