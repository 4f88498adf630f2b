import { type ActionName, type Common, DONE, DONE_OFFLINE, type Outcome } from '@damson/core/protocol'

/**
 * Under which an action is remembered: its `reqId`, per device; without a device per `uuid`; without either per profile
 * (specification 2.4, unknowns 13). `null` without a `reqId`: such an action is never taken for another.
 */
export function seenKey(common: Common): string | null {
  const { reqId, deviceId, uuid } = common
  if (reqId === undefined || reqId === null || reqId === '') return null
  const id = typeof reqId === 'string' ? reqId : JSON.stringify(reqId)
  if (deviceId !== null) return `device ${deviceId} ${id}`
  return uuid !== null ? `batch ${uuid} ${id}` : `profile ${id}`
}

/** Two answers are so common that they have a short form. */
const PLAIN = ''
const OFFLINE = 'o'

/** Whether the answer holds content, which is not kept but decided again. */
export function isMadeAnew(name: ActionName): boolean {
  return name === 'start' || name === 'restart' || name === 'getVars'
}

/** An answer as it is kept, without content. */
export function answerText(outcome: Outcome, name: ActionName): string {
  if (outcome === DONE) return PLAIN
  if (outcome === DONE_OFFLINE) return OFFLINE
  const { fields, ...rest } = outcome
  return JSON.stringify(fields === undefined || isMadeAnew(name) ? rest : outcome)
}

export function answerOf(text: string): Outcome {
  if (text === PLAIN) return DONE
  return text === OFFLINE ? DONE_OFFLINE : (JSON.parse(text) as Outcome)
}
