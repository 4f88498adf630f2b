import { wire } from '../wire.ts'
import type { JsonSchema } from '../wire.ts'

/** What a client says of the content it wants (specification 8.1, 8.2). */
export const CONTENT_ARGS = {
  includeDefaults: wire.boolean().default(true).describe('Whether `vars` also holds what the code has as defaults.'),
  newsfeedMessages: wire.stringList().describe('Ids of the inbox messages the client has (SDKs).'),
  includeVariantDebugInfo: wire.boolean().default(false).describe('Asks for `variantDebugInfo` (SDKs).'),
}

/** Content fields of an answer; SDKs rely on their JSON kinds (specification 9). */
export const CONTENT_RESULT: Readonly<Record<string, JsonSchema>> = {
  vars: { type: 'object', additionalProperties: true, description: 'Values of the variables.' },
  messages: { type: 'object', additionalProperties: { type: 'object' }, description: 'Messages by id.' },
  variants: {
    type: 'array',
    items: { type: 'object', properties: { id: { type: 'integer' } } },
    description: 'The variants of A/B tests the user is in.',
  },
  regions: { type: 'object', additionalProperties: { type: 'object' }, description: 'Regions by name.' },
  interfaceRules: { type: 'array', items: {}, description: 'Always empty.' },
  interfaceEvents: { type: 'array', items: {}, description: 'Always empty.' },
  localCaps: { type: 'array', items: { type: 'object' }, description: 'Caps on in-app messages; if there are any.' },
  files: { type: 'object', description: 'Addresses of files by name; if there are any.' },
  variantDebugInfo: { type: 'object', description: 'The variants with their values; if it was asked for.' },
  varsFromCode: { type: 'object', description: 'What `setVars` said last; devMode only.' },
  actionDefinitions: { type: 'object', description: 'Message templates that `setVars` brought; devMode only.' },
  fileAttributes: { type: 'object', description: 'What `setVars` said of files; devMode only.' },
  syncNewsfeed: { type: 'boolean', description: 'Whether the client should fetch its inbox.' },
}
