import { action } from '../define.ts'
import { CONTENT_ARGS, CONTENT_RESULT } from './content-args.ts'

export const content = {
  getVars: action({
    scope: 'profile',
    keys: ['production', 'development'],
    createDisposition: 'CreateNever',
    subject: 'optional',
    methods: ['GET', 'POST'],
    summary: 'Answers the content for a user without starting or prolonging a session.',
    section: '8.2',
    args: CONTENT_ARGS,
    result: CONTENT_RESULT,
  }),
}
