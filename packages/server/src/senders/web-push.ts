// oxlint-disable-next-line typescript/triple-slash-reference -- programs of other packages see only what is named
/// <reference path="./http-ece.d.ts" />
import { createECDH, createHash, randomBytes } from 'node:crypto'
import { HOUR_MS } from '@damson/core'
import ece from 'http_ece'
import type { WebPushPart, WebPushSubscription } from '../engine/messages/outgoing.ts'
import { parseUrl } from '../engine/parse-url.ts'
import type { Egress } from '../services/egress.ts'
import { laterOf, type OutboxSender, type SendOutcome } from './sender.ts'
import type { CheckedSettings } from './settings.ts'
import { createTokenMaker } from './tokens.ts'

export type WebPushSettings = NonNullable<CheckedSettings['webPush']>

/** What push services take, encrypted; RFC 8030 lets them refuse more than 4096 bytes. */
const PAYLOAD_BYTES_MAX = 3_993
const TTL_SECONDS = 86_400

/** Sends to the push service of each browser (RFC 8030), encrypted for it (RFC 8291), and signed by us (RFC 8292). */
export function webPushSender(settings: WebPushSettings, egress: Egress): OutboxSender<WebPushPart> {
  const { subject, publicKey, privateKey, ttlSeconds = TTL_SECONDS } = settings
  const point = Buffer.from(publicKey, 'base64url')
  const key = {
    kty: 'EC',
    crv: 'P-256',
    d: privateKey,
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
  const tokens = createTokenMaker({
    algorithm: 'ES256',
    key,
    subject,
    namesAudience: true,
    keptMs: 6 * HOUR_MS,
    validMs: 12 * HOUR_MS,
  })
  return {
    laneOf: ({ subscription }) => parseUrl(subscription.endpoint)?.origin ?? null,
    async send({ subscription, payload }, { id, at, signal }) {
      if (Buffer.byteLength(payload) > PAYLOAD_BYTES_MAX) return { type: 'dropped', reason: 'too large' }
      const body = encrypted(payload, subscription)
      if (body === null) return { type: 'refusedToken', reason: 'no keys' }
      const { origin } = new URL(subscription.endpoint)
      const response = await egress(subscription.endpoint, {
        method: 'POST',
        headers: {
          authorization: `vapid t=${await tokens.tokenFor(origin, at)}, k=${publicKey}`,
          'content-encoding': 'aes128gcm',
          'content-type': 'application/octet-stream',
          'content-length': String(body.length),
          ttl: String(ttlSeconds),
          urgency: 'normal',
          // A repetition takes the place of what is still waiting for the browser.
          topic: createHash('sha256').update(id).digest('base64url').slice(0, 32),
        },
        body,
        signal,
        headOnly: true,
      })
      return outcomeOf(response)
    },
  }
}

/** For the one browser that has the keys; `null`: what it said of them is not a key. */
function encrypted(payload: string, { keys }: WebPushSubscription): Buffer | null {
  const local = createECDH('prime256v1')
  local.generateKeys()
  const salt = randomBytes(16).toString('base64url')
  const { p256dh: dh, auth: authSecret } = keys
  try {
    return ece.encrypt(Buffer.from(payload), { version: 'aes128gcm', dh, privateKey: local, salt, authSecret })
  } catch {
    return null
  }
}

function outcomeOf(response: Response): SendOutcome {
  const { status } = response
  if (status < 300) return { type: 'sent' }
  const reason = `answered ${status}`
  if (status === 404 || status === 410) return { type: 'refusedToken', reason }
  return laterOf(response) ?? { type: 'dropped', reason }
}
