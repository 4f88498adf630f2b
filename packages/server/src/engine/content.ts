import type { Json } from '../content/source.ts'
import { decideContent } from '../content/decide.ts'
import { filesKind } from '../content/files.ts'
import { contentKind, type Variant } from '../content/snapshot.ts'
import { varsOf } from '../content/variables.ts'
import { DEVELOPER_FIELD } from './devices.ts'
import { Draft, emptyProfile } from './draft.ts'
import { needsSync } from './inbox.ts'
import { CHANNELS, startChannels } from './notification-channels.ts'
import { keepTargeted } from './messages/targeted.ts'
import { enterTests } from './enter.ts'
import { publicFileUrl } from './public-files.ts'
import type { Scene } from './scene.ts'

/** What a client says of the content it wants. */
export interface ContentWish {
  readonly includeDefaults: boolean
  readonly includeVariantDebugInfo: boolean
  /** Ids of the inbox messages it has; absent: it did not say. */
  readonly newsfeedMessages?: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

/**
 * What `start` and `getVars` give an app to show (specification 8.1). A variant that is given for the first time is written
 * to the profile and told to its history; a sticky message, to the profile.
 */
export function content(draft: Draft, scene: Scene, wish: ContentWish): Fields {
  const known = scene.services.catalog.of(scene.app.appId, contentKind)
  const { deviceId } = scene.common
  const shown = decideContent(known, draft.profile, scene.now, wish.includeDefaults, deviceId)
  const { vars, variants, messages, entered, targeted } = shown
  if (entered !== null) enterTests(draft, entered, { at: scene.at, deviceId })
  keepTargeted(draft, targeted, scene.now)
  const { code, variables } = known
  return {
    vars,
    messages,
    variants: variants.map(({ variant }) => ({ id: variant.id })),
    regions: {},
    interfaceRules: [],
    interfaceEvents: [],
    ...(wish.newsfeedMessages !== undefined && {
      syncNewsfeed: needsSync(draft.profile, wish.newsfeedMessages, scene.now),
    }),
    ...(known.messages.localCaps !== null && { localCaps: known.messages.localCaps }),
    ...filesOf(scene),
    ...(wish.includeVariantDebugInfo && { variantDebugInfo: debugInfo(variants.map(({ variant }) => variant)) }),
    ...(scene.common.devMode && {
      varsFromCode: varsOf({ ...variables, full: {} }, [...variables.code], true),
      actionDefinitions: code.actionDefinitions,
      fileAttributes: code.fileAttributes,
    }),
  }
}

/** The content for a user nobody knows (unknowns 68). */
export function blankContent(scene: Scene, wish: ContentWish): Fields {
  return content(new Draft(emptyProfile('', scene.now)), scene, wish)
}

/** What `start` adds to the content: news of the inbox, a token, and in devMode whether the device is registered. */
export function startContent(draft: Draft, scene: Scene, wish: ContentWish): Fields {
  const { services, common } = scene
  const fields = content(draft, scene, wish)
  const device = common.deviceId === null ? undefined : draft.profile.devices[common.deviceId]
  const isRegistered = device?.[DEVELOPER_FIELD] !== undefined
  return {
    ...fields,
    syncNewsfeed: needsSync(draft.profile, wish.newsfeedMessages ?? [], scene.now),
    token: services.token(),
    ...startChannels(services.catalog.of(scene.app.appId, CHANNELS)),
    ...(common.devMode && { isRegistered, isRegisteredFromOtherApp: false }),
  }
}

/** Where the files are, for SDKs; left out when there are none, or when nobody knows our address. */
function filesOf({ app, services, caller: { baseUrl } }: Scene): Fields {
  const files = services.catalog.of(app.appId, filesKind)
  if (files.size === 0 || baseUrl === undefined) return {}
  return { files: Object.fromEntries([...files].map(([name, { path }]) => [name, publicFileUrl(baseUrl, path)])) }
}

/** @source observed: specification 8.1, `variantDebugInfo` */
function debugInfo(variants: readonly Variant[]): Json {
  return {
    abTests: variants.map(({ id, testId, leaves }) => ({
      id: testId,
      variantId: id,
      vars: Object.fromEntries(leaves),
    })),
  }
}
