import { createHash } from 'node:crypto'
import { MINUTE_MS, SECOND_MS } from '@damson/core'
import type { ApnsPart } from '../engine/messages/outgoing.ts'
import type { Egress } from '../services/egress.ts'
import { laterOf, type OutboxSender, type SendOutcome } from './sender.ts'
import type { CheckedSettings } from './settings.ts'
import { createTokenMaker } from './tokens.ts'

export type ApnsSettings = NonNullable<CheckedSettings['apns']>

const PRODUCTION = 'https://api.push.apple.com'
const SANDBOX = 'https://api.sandbox.push.apple.com'
/** How long Apple keeps what it cannot deliver. */
const TTL_SECONDS = 86_400

/** Sends to Apple's push service: HTTP/2, and a token that is made anew every 40 minutes (Apple wants 20 to 60). */
export function apnsSender(settings: ApnsSettings, egress: Egress): OutboxSender<ApnsPart> {
  const { key, keyId, teamId, topic, sandbox = false } = settings
  const { origin } = new URL(settings.baseUrl ?? (sandbox ? SANDBOX : PRODUCTION))
  const tokens = createTokenMaker({
    algorithm: 'ES256',
    key,
    keyId,
    issuer: teamId,
    namesAudience: false,
    keptMs: 40 * MINUTE_MS,
    validMs: null,
  })
  return {
    laneOf: () => origin,
    async send({ token, payload, pushType = 'alert' }, { id, at, signal }) {
      const response = await egress(`${origin}/3/device/${encodeURIComponent(token)}`, {
        method: 'POST',
        http2: true,
        headers: {
          authorization: `bearer ${await tokens.tokenFor(origin, at)}`,
          'content-type': 'application/json',
          'apns-topic': topic,
          'apns-push-type': pushType,
          'apns-priority': pushType === 'alert' ? '10' : '5',
          'apns-expiration': String(Math.floor(at / SECOND_MS) + TTL_SECONDS),
          'apns-id': uuidOf(id),
          // A repetition takes the place of what the device shows already.
          'apns-collapse-id': createHash('sha256').update(id).digest('base64url'),
        },
        body: JSON.stringify(payload),
        signal,
      })
      const outcome = await outcomeOf(response)
      // Only then: Apple refuses keys that sign anew too often.
      if (outcome.type === 'later' && outcome.reason === 'ExpiredProviderToken') tokens.forget(origin)
      return outcome
    },
  }
}

/** @source documented: Apple, "Handling notification responses from APNs" */
const GONE = ['BadDeviceToken', 'DeviceTokenNotForTopic', 'Unregistered', 'ExpiredToken']
const OURS = ['ExpiredProviderToken', 'InvalidProviderToken', 'MissingProviderToken', 'TooManyProviderTokenUpdates']

async function outcomeOf(response: Response): Promise<SendOutcome> {
  const { status } = response
  if (status === 200) return { type: 'sent' }
  const reason = (await reasonIn(response)) ?? `answered ${status}`
  if (status === 410 || GONE.includes(reason)) return { type: 'refusedToken', reason }
  // Of our own key: somebody will mend it, and nothing is lost until then.
  if (OURS.includes(reason)) return { type: 'later', isUp: false, reason }
  return laterOf(response) ?? { type: 'dropped', reason }
}

async function reasonIn(response: Response): Promise<string | null> {
  try {
    const { reason } = (await response.json()) as { readonly reason?: unknown }
    return typeof reason === 'string' && /^\w{1,60}$/.test(reason) ? reason : null
  } catch {
    return null
  }
}

/** The form of a UUID, which Apple asks for, from an id of any form. */
function uuidOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
