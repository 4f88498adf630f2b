import { batch } from './actions/batch.ts'
import { channels } from './actions/channels.ts'
import { campaigns } from './actions/campaigns.ts'
import { content } from './actions/content.ts'
import { events } from './actions/events.ts'
import { dataExports } from './actions/exports.ts'
import { imports } from './actions/imports.ts'
import { inbox } from './actions/inbox.ts'
import { messages } from './actions/messages.ts'
import { postbacks } from './actions/postbacks.ts'
import { sdk } from './actions/sdk.ts'
import { sessions } from './actions/sessions.ts'
import { users } from './actions/users.ts'
import type { ArgsOfShape } from './define.ts'

/** The API: all there is to say of each action but its effect. An action enters this table together with its handler. */
export const ACTIONS = {
  ...sessions,
  ...events,
  ...users,
  ...content,
  ...inbox,
  ...channels,
  ...messages,
  ...campaigns,
  ...postbacks,
  ...batch,
  ...dataExports,
  ...imports,
  ...sdk,
}

export type ActionName = keyof typeof ACTIONS

/** What the handler of an action gets. */
export type ArgsOf<Name extends ActionName> = ArgsOfShape<(typeof ACTIONS)[Name]['args']>

/** Names are case-sensitive (specification 1.1). */
export function isActionName(value: unknown): value is ActionName {
  return typeof value === 'string' && Object.hasOwn(ACTIONS, value)
}
