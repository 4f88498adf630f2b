import { createHash } from 'node:crypto'
import { type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import type { FcmPart } from '../engine/messages/outgoing.ts'
import type { Egress } from '../services/egress.ts'
import { laterOf, type OutboxSender, type SendOutcome } from './sender.ts'
import type { CheckedSettings } from './settings.ts'
import { createTokenMaker } from './tokens.ts'

export type FcmSettings = NonNullable<CheckedSettings['fcm']>

const BASE_URL = 'https://fcm.googleapis.com'
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'

/** Sends by version 1 of Firebase Cloud Messaging's HTTP API. */
export function fcmSender({ serviceAccount, baseUrl = BASE_URL }: FcmSettings, egress: Egress): OutboxSender<FcmPart> {
  const access = createAccess(serviceAccount, egress)
  const { origin } = new URL(baseUrl)
  const url = `${origin}/v1/projects/${serviceAccount.project_id}/messages:send`
  return {
    laneOf: () => origin,
    async send({ token, notification, data, androidChannelId }, { id, at, signal }) {
      const granted = await access.tokenAt(at, signal)
      if (typeof granted !== 'string') return granted
      const message = {
        token,
        data,
        ...(notification && { notification }),
        android: {
          priority: 'HIGH',
          // A repetition takes the place of what is still waiting for the device.
          collapse_key: createHash('sha256').update(id).digest('base64url').slice(0, 32),
          ...(androidChannelId !== undefined && { notification: { channel_id: androidChannelId } }),
        },
      }
      const response = await egress(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${granted}`, 'content-type': 'application/json' },
        body: JSON.stringify({ message }),
        signal,
      })
      if (response.status === 401) access.forget()
      return outcomeOf(response)
    },
  }
}

interface Access {
  /** The token of our service account, or what stands in the way. */
  tokenAt(at: EpochMs, signal: AbortSignal): Promise<string | SendOutcome>
  forget(): void
}

/** Exchanges what we have signed for a token, and keeps it until shortly before its end. Calls that wait share one exchange. */
function createAccess({ client_email, private_key, token_uri }: FcmSettings['serviceAccount'], egress: Egress): Access {
  const assertions = createTokenMaker({
    algorithm: 'RS256',
    key: private_key,
    issuer: client_email,
    namesAudience: true,
    claims: { scope: SCOPE },
    keptMs: 0,
    validMs: HOUR_MS,
  })
  let kept: { readonly token: string; readonly until: EpochMs } | null = null
  let asking: Promise<string | SendOutcome> | null = null

  async function ask(at: EpochMs, signal: AbortSignal): Promise<string | SendOutcome> {
    const assertion = await assertions.tokenFor(token_uri, at)
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await egress(token_uri, { method: 'POST', headers, body: form.toString(), signal })
    const answer = (await json(response)) as { readonly access_token?: unknown; readonly expires_in?: unknown } | null
    // Whatever is wrong with the account, somebody will mend it; nothing is lost until then.
    if (response.status !== 200 || typeof answer?.access_token !== 'string')
      return { type: 'later', isUp: false, reason: `the token service answered ${response.status}` }
    const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : 0
    kept = { token: answer.access_token, until: at + seconds * SECOND_MS - 5 * MINUTE_MS }
    return answer.access_token
  }

  return {
    async tokenAt(at, signal) {
      if (kept !== null && at < kept.until) return kept.token
      asking ??= ask(at, signal).finally(() => (asking = null))
      return asking
    },
    forget: () => (kept = null),
  }
}

/** @source documented: Firebase, "ErrorCode" of FCM v1 */
const GONE = ['UNREGISTERED', 'SENDER_ID_MISMATCH']

async function outcomeOf(response: Response): Promise<SendOutcome> {
  const { status } = response
  if (status < 300) return { type: 'sent' }
  const { code, fields } = problemOf(await json(response))
  const reason = code ?? `answered ${status}`
  if (GONE.includes(code ?? '') || fields.includes('message.token')) return { type: 'refusedToken', reason }
  if (status === 401) return { type: 'later', isUp: true, reason }
  return laterOf(response) ?? { type: 'dropped', reason }
}

/** What stands in the details of an error: FCM's own code, and the fields that are wrong. */
function problemOf(answer: unknown): { readonly code: string | null; readonly fields: readonly string[] } {
  const { error } = (answer ?? {}) as { readonly error?: { readonly details?: unknown } }
  const details = Array.isArray(error?.details) ? (error.details as readonly Record<string, unknown>[]) : []
  const code = details.map(({ errorCode }) => errorCode).find((one) => typeof one === 'string' && /^[A-Z_]+$/.test(one))
  const fields = details.flatMap(({ fieldViolations }) => (Array.isArray(fieldViolations) ? fieldViolations : []))
  return {
    code: (code as string | undefined) ?? null,
    fields: fields.map((one: { field?: unknown }) => String(one.field)),
  }
}

async function json(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return null
  }
}
