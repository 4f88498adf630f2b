import { action } from '../define.ts'
import { wire } from '../wire.ts'
import type { JsonSchema } from '../wire.ts'
import { CONTENT_ARGS, CONTENT_RESULT } from './content-args.ts'

const VARIANT_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    percent: { type: 'number', description: 'Of the audience of the test.' },
    variables: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, value: {} } } },
  },
}

const TEST_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    active: { type: 'boolean', description: 'Whether users can be in it now.' },
    state: { type: 'string', enum: ['draft', 'running', 'finished'] },
    created: { type: 'number', description: 'UNIX seconds' },
    updated: { type: 'number', description: 'UNIX seconds' },
    finished: { type: 'number', description: 'UNIX seconds; of a finished test.' },
    chosenVariant: { type: 'integer', description: 'The variant everybody gets from now on.' },
    targetingSticky: { type: 'boolean' },
    variants: { type: 'array', items: VARIANT_SCHEMA },
    details: {
      type: 'object',
      description: 'Who published it as it is, and who created it; if they said who they are.',
      properties: { publishedBy: { type: 'string' }, createdBy: { type: 'string' } },
    },
  },
}

const INCLUDE_DRAFTS = wire.boolean().default(false).describe('Whether tests count that have not begun yet.')

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
  setVars: action({
    scope: 'app',
    keys: ['development'],
    createDisposition: null,
    summary: "Sets the default values of variables, as the app's code has them; those not named stay.",
    section: '8.14',
    args: {
      vars: wire
        .object()
        .default({})
        .requiredUnless('actionDefinitions')
        .describe('Values by name; dots and nesting make groups.'),
      kinds: wire.object().describe('Types by name (SDKs).'),
      actionDefinitions: wire.object().describe('Message templates (SDKs); may come instead of `vars`.'),
      fileAttributes: wire.object().describe('`hash` and `size` by file name (SDKs).'),
    },
  }),
  deleteVars: action({
    scope: 'app',
    keys: ['development'],
    createDisposition: null,
    summary: 'Removes variables and groups of them.',
    section: '8.14',
    args: { vars: wire.stringList().required().describe('Names.') },
    result: {
      variablesRemoved: {
        type: 'array',
        items: { type: 'string' },
        description: 'Those of the names that were there.',
      },
    },
  }),
  uploadFile: action({
    scope: 'app',
    keys: ['development'],
    createDisposition: null,
    alone: true,
    methods: ['POST'],
    summary: 'Stores up to 16 files or 50 MB of a `multipart/form-data` body.',
    section: '8.14',
    args: {
      data: wire
        .objectList()
        .describe('One `{filename, size, hash}` for each of the parts `file0`, `file1`…; `hash` is an MD5.'),
      filename: wire.text().describe('Without `data`: the name of the part `file`.'),
      size: wire.integer().describe('Without `data`: its size in bytes.'),
      hash: wire.text().describe('Without `data`: its MD5.'),
    },
  }),
  downloadFile: action({
    scope: 'app',
    keys: ['production', 'development'],
    createDisposition: null,
    alone: true,
    methods: ['GET', 'POST'],
    summary: 'Redirects to a file.',
    section: '8.14',
    args: { filename: wire.text().required().describe('The name it was uploaded under.') },
  }),
  getAbTests: action({
    scope: 'app',
    keys: ['contentReadOnly', 'contentReadWrite'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers the A/B tests of the app.',
    section: '8.13',
    args: {
      includeDrafts: INCLUDE_DRAFTS,
      recent: wire.boolean().default(true).describe('Only those that run or ended within the last 30 days.'),
    },
    result: { abTests: { type: 'array', items: TEST_SCHEMA } },
  }),
  getAbTest: action({
    scope: 'app',
    keys: ['contentReadOnly', 'contentReadWrite'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers one A/B test.',
    section: '8.13',
    args: { id: wire.integer().required().describe('The id of the test.'), includeDrafts: INCLUDE_DRAFTS },
    result: { abTest: TEST_SCHEMA },
  }),
  getVariant: action({
    scope: 'app',
    keys: ['contentReadOnly', 'contentReadWrite'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Answers one variant of an A/B test.',
    section: '8.13',
    args: { id: wire.integer().required().describe('The id of the variant.'), includeDrafts: INCLUDE_DRAFTS },
    result: { variant: VARIANT_SCHEMA },
  }),
}
