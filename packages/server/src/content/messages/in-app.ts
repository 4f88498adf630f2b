import type { EpochMs } from '@damson/core'
import { prepareJson } from '@damson/core/protocol'
import type { Profile } from '../../engine/profile.ts'
import { draw, type Point, pointOf } from '../assign.ts'
import { isoInstant } from '../audience/literals.ts'
import type { Matches } from '../audience/index.ts'
import type { Json } from '../source.ts'
import type { Given } from '../tests.ts'
import type { Message, Messages, Version } from './compile.ts'
import type { Content } from './content.ts'
import { wireLimits } from './limits.ts'
import type { KeptMessage } from './source.ts'
import { staysWith } from './sticky.ts'
import { TemplateError, type TemplateValues } from './template.ts'
import { wireFilter } from './triggers.ts'

type Wire = Readonly<Record<string, unknown>>

/** A message as SDKs take it (specification 8.1): they decide when to show it. */
export interface InAppMessage {
  render(values: () => TemplateValues): Wire
  /** For those it is held back from: it is counted where it would have been shown. */
  readonly heldBack: Wire
}

/** @source documented: specification 8.1, "86400 typical" */
const COUNTDOWN_SECONDS = 86_400

/** @source documented: specification 8.1 */
const HELD_BACK = '__held_back'

export function inAppMessage(source: KeptMessage, content: Content<'inApp'>): InAppMessage {
  const { template = '', when, unless, limits, priority = 1000, start, end } = source
  const startTime = isoInstant(start ?? '')
  const endTime = isoInstant(end ?? '')
  const rest = {
    whenTriggers: prepareJson(wireFilter(when)),
    unlessTriggers: prepareJson(wireFilter(unless)),
    whenLimits: prepareJson(wireLimits(limits)),
    priority,
    countdown: COUNTDOWN_SECONDS,
    hasImpressionCriteria: false,
    parentCampaignId: null,
    ...(startTime !== null && { startTime }),
    ...(endTime !== null && { endTime }),
  }
  const wire = (action: string, vars: Readonly<Record<string, Json>>): Wire => ({
    action,
    vars: { ...vars, __name__: action },
    ...rest,
  })
  const heldBack = prepareJson(wire(HELD_BACK, {}))
  if (!content.isConstant) return { heldBack, render: (values) => wire(template, content.render(values())) }
  const same = prepareJson(wire(template, content.render(NOBODY)))
  return { heldBack, render: () => same }
}

/** Nothing of it is looked at. */
const NOBODY = {} as TemplateValues

/** What is the same for all messages of one answer. */
export interface Audience {
  readonly profile: Profile
  readonly now: EpochMs
  /** Decided once, for all that share an audience. */
  readonly isIn: (matches: Matches) => boolean
  readonly values: () => TemplateValues
}

const NONE: Readonly<Record<string, Wire>> = {}

/** The `messages` of an answer, by id, the most important first as far as ids let JavaScript keep an order. */
export function messagesFor(
  { inApp }: Messages,
  given: readonly Given[],
  { profile, now, isIn, values }: Audience,
): Readonly<Record<string, Wire>> {
  if (inApp.length === 0) return NONE
  let point: Point | null = null
  const messages: Record<string, Wire> = {}
  for (const message of inApp) {
    if (now >= message.endAt || (now < message.startAt && message.endAt === Infinity)) continue
    if (!staysWith(message, profile) && !isIn(message.matches)) continue
    const version = versionFor(message, given).inApp
    if (version === null) continue
    const isHeldBack =
      message.heldBack > 0 && draw((point ??= pointOf(profile.userId)), message.seed) < message.heldBack
    const wire = isHeldBack ? version.heldBack : rendered(version, values)
    if (wire !== null) messages[message.id] = wire
  }
  return messages
}

/** `null`: it cannot be filled in for this user. Nobody should get half a message, nor none of the others. */
function rendered(version: InAppMessage, values: () => TemplateValues): Wire | null {
  try {
    return version.render(values)
  } catch (error) {
    if (error instanceof TemplateError) return null
    throw error
  }
}

/** The version that a user's variants give; of two tests, the one with the lower id has its way. */
export function versionFor({ version, versions }: Message, given: readonly Given[]): Version {
  if (versions.size === 0) return version
  for (const { variant } of given) {
    const own = versions.get(variant.id)
    if (own !== undefined) return own
  }
  return version
}

/** Whether a user is among those who never get it. The same on every node, and after the share grows. */
export function isHeldBack({ heldBack, seed }: Message, userId: string): boolean {
  return heldBack > 0 && draw(pointOf(userId), seed) < heldBack
}
