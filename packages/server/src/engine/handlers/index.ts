import type { ActionDefinition, ActionName, ArgsOf, Common, Outcome } from '@damson/core/protocol'
import type { Draft } from '../draft.ts'
import type { AppPorts, Cast, Decide, Query, Scene } from '../scene.ts'
import { startCampaign } from './campaigns.ts'
import { deleteVars, downloadFile, getAbTest, getAbTests, getVariant, getVars, setVars, uploadFile } from './content.ts'
import {
  addAndroidNotificationChannel,
  deleteAndroidNotificationChannel,
  getAndroidNotificationChannels,
} from './channels.ts'
import { exportData, exportReport, exportUsers, getExportResults } from './exports.ts'
import { getMultiResults } from './imports.ts'
import { deleteNewsfeedMessage, getNewsfeedMessages, markNewsfeedMessageAsRead } from './inbox.ts'
import { advance, track, trackGeofence } from './events.ts'
import { getMessage, getMessages, getUnsubscribeCategories, sendMessage } from './messages.ts'
import { addPostback, deletePostback, listPostbacks } from './postbacks.ts'
import { getMigrateState, log } from './sdk.ts'
import { heartbeat, pauseSession, pauseState, restart, resumeSession, resumeState, start, stop } from './sessions.ts'
import {
  block,
  deleteUser,
  exportUser,
  registerDevice,
  setDeviceAttributes,
  setTrafficSourceInfo,
  setUserAttributes,
  unblock,
} from './users.ts'

/** Answers without a profile; may read and change what belongs to the app. */
export type AppQuery<Name extends ActionName> = (
  args: ArgsOf<Name>,
  scene: Scene,
  ports: AppPorts,
) => Outcome | Promise<Outcome>

type Handler<Name extends ActionName> =
  | { readonly kind: 'decide'; readonly decide: Decide<Name> }
  | { readonly kind: 'query'; readonly query: Query<Name> }
  | { readonly kind: 'app'; readonly answer: AppQuery<Name> }

/** `multi` is made of other actions, and the engine's own business. */
type Handled = Exclude<ActionName, 'multi'>

const decide = <Name extends ActionName>(decide: Decide<Name>): Handler<Name> => ({ kind: 'decide', decide })
const query = <Name extends ActionName>(query: Query<Name>): Handler<Name> => ({ kind: 'query', query })
const app = <Name extends ActionName>(answer: AppQuery<Name>): Handler<Name> => ({ kind: 'app', answer })

/** The other half of the action table: leave one out, and the compiler names it. */
const table: { readonly [Name in Handled]: Handler<Name> } = {
  start: decide(start),
  restart: decide(restart),
  stop: decide(stop),
  pauseSession: decide(pauseSession),
  resumeSession: decide(resumeSession),
  heartbeat: decide(heartbeat),
  track: decide(track),
  trackGeofence: decide(trackGeofence),
  advance: decide(advance),
  pauseState: decide(pauseState),
  resumeState: decide(resumeState),
  setUserAttributes: decide(setUserAttributes),
  setDeviceAttributes: decide(setDeviceAttributes),
  setTrafficSourceInfo: decide(setTrafficSourceInfo),
  registerDevice: decide(registerDevice),
  deleteUser: decide(deleteUser),
  block: decide(block),
  unblock: decide(unblock),
  exportUser: query(exportUser),
  getVars: decide(getVars),
  setVars: app(setVars),
  deleteVars: app(deleteVars),
  uploadFile: app(uploadFile),
  downloadFile: app(downloadFile),
  getAbTests: app(getAbTests),
  getAbTest: app(getAbTest),
  getVariant: app(getVariant),
  getNewsfeedMessages: query(getNewsfeedMessages),
  markNewsfeedMessageAsRead: decide(markNewsfeedMessageAsRead),
  deleteNewsfeedMessage: decide(deleteNewsfeedMessage),
  addAndroidNotificationChannel: app(addAndroidNotificationChannel),
  getAndroidNotificationChannels: app(getAndroidNotificationChannels),
  deleteAndroidNotificationChannel: app(deleteAndroidNotificationChannel),
  sendMessage: decide(sendMessage),
  getMessage: app(getMessage),
  getMessages: app(getMessages),
  getUnsubscribeCategories: app(getUnsubscribeCategories),
  getMigrateState: app(getMigrateState),
  log: app(log),
  exportData: app(exportData),
  exportUsers: app(exportUsers),
  exportReport: app(exportReport),
  getExportResults: app(getExportResults),
  getMultiResults: app(getMultiResults),
  startCampaign: decide(startCampaign),
  addPostback: app(addPostback),
  listPostbacks: app(listPostbacks),
  deletePostback: app(deletePostback),
}

/** A handler whose arguments were parsed by the row of the same name; which name, is no longer known. */
export type ProfileHandler =
  | { readonly kind: 'decide'; readonly decide: (cast: Cast, args: unknown, scene: Scene) => Outcome }
  | { readonly kind: 'query'; readonly query: (draft: Draft, args: unknown, scene: Scene) => Outcome }

export interface AppHandler {
  readonly kind: 'app'
  readonly answer: (args: unknown, scene: Scene, ports: AppPorts) => Outcome | Promise<Outcome>
}

/**
 * Row and handler are joined by name, where the compiler has lost sight of which name it is: the one cast of the engine.
 * `table` above has made sure that the handler under a name takes the arguments of that name's row.
 */
export const handlers = table as unknown as Readonly<Record<ActionName, ProfileHandler | AppHandler>>

/** What becomes of an action whose user nobody knows (specification 4.4, unknowns 28). */
export function whenUnknown(name: ActionName, row: ActionDefinition, common: Common): 'create' | 'skip' | 'done' {
  switch (name) {
    case 'block':
    case 'registerDevice':
      return 'create'
    case 'unblock':
      return 'done'
    default: {
      const disposition =
        row.createDisposition === null ? 'CreateNever' : (common.createDisposition ?? row.createDisposition)
      return disposition === 'CreateIfNeeded' ? 'create' : 'skip'
    }
  }
}

/** Whether the action is refused for a blocked user; reading one answers as if there were none (unknowns 27). */
export function isBlockable(name: ActionName): boolean {
  return name !== 'unblock' && name !== 'block' && name !== 'deleteUser' && name !== 'exportUser'
}
