import { createECDH, createPrivateKey } from 'node:crypto'
import { DamsonError } from '@damson/core'
import { z } from 'zod'

const hostname = z.string().regex(/^[^\s/@:]+$|^[0-9a-f:]+$/i, 'expected a host name or an address')
const webAddress = z.url({ protocol: /^https?$/ })
/** One address, alone or behind a name: `Plums <shop@example.com>`. No line break can make a second header of it. */
const mailbox = z
  .string()
  .regex(/^(?:[^<>\r\n]*<[^<>\s@]+@[^<>\s@]+>|[^<>\s@,]+@[^<>\s@,]+)$/, 'expected an e-mail address')

/** Shorter ones are no signature to whoever reads it (RFC 8301). */
const RSA_BITS_MIN = 1024

const dkim = z.strictObject({
  /** Where its public key stands: at `<selector>._domainkey.<domain>`. */
  domain: z
    .string()
    .max(253)
    .regex(/^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z\d-]{2,63}$/i, 'expected a domain such as example.com'),
  selector: z
    .string()
    .max(63)
    .regex(/^[a-z\d](?:[a-z\d._-]*[a-z\d])?$/i, 'expected the name of a key in the DNS'),
  /** In PEM. */
  privateKey: z.string().refine(isRsaKeyOf(RSA_BITS_MIN), `expected an RSA key of ${RSA_BITS_MIN} bits or more in PEM`),
})

const email = z.strictObject({
  from: mailbox,
  replyTo: mailbox.optional(),
  /** `false`: no mail tells whether it was opened, or which of its links were followed. */
  track: z.boolean().optional(),
  /** Without it, mails are not signed by us; a mail server may do so all the same. */
  dkim: dkim.optional(),
  smtp: z.strictObject({
    host: hostname,
    /** 465 with `tls: implicit`, otherwise 587. */
    port: z.number().int().min(1).max(65_535).optional(),
    /** `starttls`, the default, refuses to speak to a server that cannot encrypt; `none` sends in the clear. */
    tls: z.enum(['implicit', 'starttls', 'none']).optional(),
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    /** Mails on their way at a time; 4 if absent. */
    connections: z.number().int().min(1).max(16).optional(),
    /** Of the mails on their way, one at a time is finished and noted: a crash repeats one at most. */
    oneByOne: z.boolean().optional(),
  }),
})

const webPush = z
  .strictObject({
    /** Whom push services may write to: `mailto:` or `https:`. */
    subject: z.string().regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'expected mailto:… or https:…'),
    publicKey: z.string(),
    privateKey: z.string(),
    /** How long a push service keeps what it cannot deliver; a day if absent. */
    ttlSeconds: z.number().int().min(0).max(2_419_200).optional(),
  })
  .refine(({ publicKey, privateKey }) => isVapidPair(publicKey, privateKey), {
    message:
      'expected publicKey and privateKey to be a VAPID pair of base64url, such as `npx web-push generate-vapid-keys` makes',
  })

const fcm = z.strictObject({
  /** As Google hands it out: the JSON of a service account. Other fields of it are passed over. */
  serviceAccount: z.object({
    project_id: z.string().regex(/^[a-z0-9-]+$/),
    client_email: z.string().min(1),
    private_key: z.string().refine(isPrivateKey('rsa'), 'expected an RSA key in PEM'),
    token_uri: webAddress.default('https://oauth2.googleapis.com/token'),
  }),
  /** `https://fcm.googleapis.com` if absent. */
  baseUrl: webAddress.optional(),
})

const apns = z.strictObject({
  /** The `.p8` of Apple, its text. */
  key: z.string().refine(isPrivateKey('ec'), 'expected an EC key in PEM'),
  keyId: z.string().regex(/^[A-Z0-9]{10}$/, 'expected 10 characters'),
  teamId: z.string().regex(/^[A-Z0-9]{10}$/, 'expected 10 characters'),
  /** The bundle id of the app. */
  topic: z.string().min(1),
  /** Whether tokens are those of development builds. */
  sandbox: z.boolean().optional(),
  /** Apple's servers if absent. */
  baseUrl: webAddress.optional(),
})

/** How one app reaches people. A channel that is not here is not sent: its messages end as `Dropped`. Webhooks need nothing. */
export const messagingSettings = z.strictObject({
  email: email.optional(),
  webPush: webPush.optional(),
  fcm: fcm.optional(),
  apns: apns.optional(),
})

export type MessagingSettings = z.input<typeof messagingSettings>
export type CheckedSettings = z.output<typeof messagingSettings>

/**
 * Checks settings before anything is sent with them.
 * @throws {DamsonError} MESSAGING_INVALID naming the field, and never what stands in it
 */
export function checkedSettings(appId: string, settings: MessagingSettings): CheckedSettings {
  const parsed = messagingSettings.safeParse(settings)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = ['messaging', appId, ...(issue?.path ?? [])].join('.')
  throw new DamsonError('MESSAGING_INVALID', `${path}: ${issue?.message}. Mend the setting and start again.`)
}

function isVapidPair(publicKey: string, privateKey: string): boolean {
  try {
    const curve = createECDH('prime256v1')
    curve.setPrivateKey(Buffer.from(privateKey, 'base64url'))
    return curve.getPublicKey().equals(Buffer.from(publicKey, 'base64url'))
  } catch {
    return false
  }
}

function isRsaKeyOf(bits: number): (text: string) => boolean {
  return (text) =>
    isPrivateKey('rsa')(text) && (createPrivateKey(text).asymmetricKeyDetails?.modulusLength ?? 0) >= bits
}

function isPrivateKey(type: 'rsa' | 'ec'): (text: string) => boolean {
  return (text) => {
    try {
      return createPrivateKey(text).asymmetricKeyType === type
    } catch {
      return false
    }
  }
}
