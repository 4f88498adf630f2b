import type { AttributeValue } from '../../engine/profile.ts'
import type { Scalar, TriggerSource } from './source.ts'

/** Something that happened to a user and may set messages off. */
export type Happening =
  | { readonly type: 'session'; readonly how: 'start' | 'resume' }
  | { readonly type: 'event' | 'state'; readonly name: string; readonly params: Readonly<Record<string, Scalar>> }
  | {
      readonly type: 'attribute'
      readonly name: string
      readonly from: AttributeValue | undefined
      /** `undefined`: it was cleared. */
      readonly to: AttributeValue | undefined
    }

/** What `whenTriggers` and its like are made of. @source documented: specification 8.1 */
export interface WireFilter {
  readonly children: readonly WireTrigger[]
  readonly verb?: 'OR' | 'AND'
  readonly subject?: null
  readonly objects?: readonly never[]
}

export interface WireTrigger {
  readonly subject: string
  readonly verb: string
  readonly noun: string | number | null
  readonly objects: readonly Scalar[]
}

/** Under which a trigger is found when something happens; a session that starts also sets off what waits for one to resume. */
export function triggerKey(trigger: TriggerSource): string {
  if ('session' in trigger) return `session ${trigger.session}`
  if ('event' in trigger) return `event ${trigger.event}`
  if ('state' in trigger) return `state ${trigger.state}`
  return `attribute ${trigger.attribute}`
}

export function keysOf(happening: Happening): readonly string[] {
  if (happening.type === 'session')
    return happening.how === 'start' ? ['session start', 'session resume'] : ['session resume']
  return [`${happening.type} ${happening.name}`]
}

/** Whether it sets the trigger off, as official SDKs have it. @source observed: the web SDK compares without case */
export function fits(trigger: TriggerSource, happening: Happening): boolean {
  switch (happening.type) {
    case 'session':
      return 'session' in trigger && (trigger.session === 'resume' || trigger.session === happening.how)
    case 'event':
    case 'state': {
      const name =
        happening.type === 'event' ? 'event' in trigger && trigger.event : 'state' in trigger && trigger.state
      if (name !== happening.name) return false
      const { parameter, is } = trigger as { readonly parameter?: string; readonly is?: Scalar }
      if (parameter === undefined || is === undefined) return true
      return Object.hasOwn(happening.params, parameter) && isSame(is, happening.params[parameter])
    }
    case 'attribute': {
      if (!('attribute' in trigger) || trigger.attribute !== happening.name) return false
      if (trigger.to !== undefined && !isSame(trigger.to, happening.to)) return false
      return trigger.from === undefined || isSame(trigger.from, happening.from)
    }
  }
}

function isSame(wanted: Scalar, found: AttributeValue | undefined): boolean {
  if (found === undefined || typeof found === 'object') return false
  return wanted === found || String(wanted).toLowerCase() === String(found).toLowerCase()
}

/** Triggers as SDKs read them. */
export function wireFilter(triggers: readonly TriggerSource[] = []): WireFilter {
  if (triggers.length === 0) return { children: [], subject: null, objects: [] }
  return { children: triggers.map(wireTrigger), verb: 'OR' }
}

function wireTrigger(trigger: TriggerSource): WireTrigger {
  if ('session' in trigger) return { subject: trigger.session, verb: '', noun: null, objects: [] }
  if ('attribute' in trigger) {
    const { attribute: noun, from, to } = trigger
    const subject = 'userAttribute'
    if (to === undefined) return { subject, verb: 'changes', noun, objects: [] }
    if (from === undefined) return { subject, verb: 'changesTo', noun, objects: [to] }
    return { subject, verb: 'changesFromTo', noun, objects: [from, to] }
  }
  const { parameter, is } = trigger
  const [subject, noun] = 'event' in trigger ? ['event', trigger.event] : ['state', trigger.state]
  if (parameter === undefined || is === undefined) return { subject, verb: 'triggers', noun, objects: [] }
  return { subject, verb: 'triggersWithParameter', noun, objects: [parameter, is] }
}
