import { DAY_MS } from '@damson/core'
import { chooseLane } from '@damson/core/session'
import { type Triggers, triggeredBy } from '../../content/messages/compile.ts'
import type { Happening } from '../../content/messages/triggers.ts'
import type { Draft } from '../draft.ts'
import type { Entry } from '../entries.ts'
import type { AttributeValue } from '../profile.ts'
import { sessionOf } from '../story.ts'
import { decideMessage, type MessageScene } from './decide.ts'

/** What happened longer ago sets nothing off: a phone that was off for a week, or an import. @source assumed */
export const LATE_MS = DAY_MS

/** How a draft stood before an action. */
export interface Watched {
  readonly entries: number
  /** The attributes that any message waits for. */
  readonly attributes: readonly (AttributeValue | undefined)[]
}

/** Nobody: what a profile that is new stood like. */
export const UNWATCHED: Watched = { entries: 0, attributes: [] }

/** Of two who became one: values either had are no change. */
export function joined(ours: Watched, theirs: Watched, entries: number): Watched {
  return { entries, attributes: theirs.attributes.map((value, index) => ours.attributes[index] ?? value) }
}

export function watch({ attributes: names }: Triggers, { profile, entries }: Draft): Watched {
  return { entries: entries.length, attributes: names.map((name) => valueOf(profile.attributes, name)) }
}

/** Decides the messages that one action set off, in the order in which things happened. */
export function react(triggers: Triggers, draft: Draft, before: Watched, scene: MessageScene): void {
  if (scene.now - scene.at > LATE_MS) return
  const causes = [
    ...attributeCauses(triggers, draft, before, scene),
    ...draft.entries.slice(before.entries).flatMap(causeOf),
  ]
  for (const cause of causes)
    for (const message of triggeredBy(triggers, cause.happening)) decideMessage(draft, message, scene, { cause })
}

interface Cause {
  readonly happening: Happening
  readonly record: string
}

function attributeCauses(triggers: Triggers, draft: Draft, before: Watched, scene: MessageScene): readonly Cause[] {
  const { attributes: names } = triggers
  if (names.length === 0) return []
  const changed = names.flatMap((name, index): Happening[] => {
    const [from, to] = [before.attributes[index], valueOf(draft.profile.attributes, name)]
    return isSame(from, to) ? [] : [{ type: 'attribute', name, from, to }]
  })
  if (changed.length === 0) return []
  const { services, deviceId, at } = scene
  const { sessions } = draft.profile
  const session = sessionOf(draft.profile, chooseLane(sessions, deviceId, 'touch', at, services.rules))
  const record = session.phase === 'closed' ? '' : session.run.id
  return changed.map((happening) => ({ happening, record }))
}

function causeOf(entry: Entry): readonly Cause[] {
  switch (entry.kind) {
    case 'event':
      return [{ happening: { type: 'event', name: entry.name, params: entry.params ?? {} }, record: entry.record }]
    case 'stateEntered':
      return [{ happening: { type: 'state', name: entry.name, params: entry.params ?? {} }, record: entry.record }]
    // One that began in the background is a session once it is counted.
    case 'sessionStarted':
      return entry.counted ? [{ happening: { type: 'session', how: 'start' }, record: entry.record }] : []
    case 'sessionCounted':
      return [{ happening: { type: 'session', how: 'start' }, record: entry.record }]
    case 'sessionResumed':
      return [{ happening: { type: 'session', how: 'resume' }, record: entry.record }]
    default:
      return []
  }
}

function valueOf(attributes: Readonly<Record<string, AttributeValue>>, name: string): AttributeValue | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}

function isSame(one: AttributeValue | undefined, other: AttributeValue | undefined): boolean {
  if (one === other) return true
  return typeof one === 'object' && typeof other === 'object' && JSON.stringify(one) === JSON.stringify(other)
}
