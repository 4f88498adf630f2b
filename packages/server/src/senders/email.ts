import { DamsonError, SECOND_MS } from '@damson/core'
import { withAddresses } from '../content/messages/links.ts'
import { UNSUBSCRIBE_PLACEHOLDER } from '../content/messages/values.ts'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { EmailPart } from '../engine/messages/outgoing.ts'
import type { Dial } from '../services/dial.ts'
import type { MailAddresses } from '../services/mail-links.ts'
import { reasonOf } from '../services/reason.ts'
import { dkimSigner } from './dkim.ts'
import { type OutboxSender, outcomeOfError, type SendContext, type SendOutcome } from './sender.ts'
import type { CheckedSettings } from './settings.ts'
import { createSmtpPool, smtpPort } from './smtp-pool.ts'

export type EmailSettings = NonNullable<CheckedSettings['email']>

const CONNECTIONS = 4
/** For one mail, the connection and its bytes included. */
const MAIL_MS = 30 * SECOND_MS

/**
 * Sends e-mail to the app's SMTP server. What the server takes counts as delivered: what becomes of it after that, only
 * reports say, which come to the address in `from`.
 */
export function emailSender(settings: EmailSettings, dial: Dial): OutboxSender<EmailPart> {
  const { from, replyTo, smtp, dkim, track = true } = settings
  const pool = createSmtpPool(smtp, dial)
  const signed = dkim === undefined ? null : dkimSigner(dkim)
  const lane = `smtp://${smtp.host}:${smtpPort(smtp)}`
  return {
    laneOf: () => lane,
    width: smtp.connections ?? CONNECTIONS,
    async send(part, context) {
      const signal = AbortSignal.any([context.signal, AbortSignal.timeout(MAIL_MS)])
      const composed = compose(part, from, replyTo, track, context)
      const envelope = composed.getEnvelope()
      const [to] = envelope.to
      // An address with a line break or a list in it is no address.
      if (envelope.from === false || to === undefined || envelope.to.length !== 1)
        return { type: 'bounced', reason: 'no address' }
      try {
        const mail = await composed.build()
        const message = signed === null ? mail : await signed(mail)
        await pool.send({ from: envelope.from, to }, message, signal, smtp.oneByOne ? context.alone : undefined)
        return { type: 'delivered' }
      } catch (error) {
        return outcomeOf(error)
      }
    },
    close: () => pool.close(),
  }
}

function compose(
  { to, subject, html, links, text }: EmailPart,
  from: string,
  replyTo: string | undefined,
  track: boolean,
  { id, at, addresses }: SendContext,
) {
  const filled = (one: string) => one.replaceAll(UNSUBSCRIBE_PLACEHOLDER, addresses?.unsubscribe ?? '')
  return new MailComposer({
    from,
    to: { name: '', address: to },
    ...(replyTo !== undefined && { replyTo }),
    subject,
    html: links === undefined ? filled(html) : withLinks(filled(html), links.map(filled), track ? addresses : null),
    ...(text !== undefined && { text: filled(text) }),
    date: new Date(at),
    // The same for every try: a server that has it already may say so.
    messageId: `<${id}@${from.slice(from.lastIndexOf('@') + 1).replace('>', '')}>`,
    // Content was written by people and filled in by users: it names no file of this machine and no address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
    headers: {
      'Auto-Submitted': 'auto-generated',
      ...(addresses !== null && {
        'List-Unsubscribe': `<${addresses.unsubscribe}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
  }).compile()
}

/** @param addresses `null`: nothing is tracked, and each link leads where it says */
function withLinks(html: string, links: readonly string[], addresses: MailAddresses | null): string {
  if (addresses === null) return withAddresses(html, null, links)
  const tracked = links.map((url, index) => addresses.click(index, url))
  return withAddresses(html, addresses.open, tracked)
}

/** Where in the conversation a refusal is about this mail, and not about us. */
const ABOUT_THE_MAIL = ['RCPT TO', 'DATA', 'MAIL FROM', 'MAIL', 'RCPT']

function outcomeOf(error: unknown): SendOutcome {
  const { responseCode, command, response, code } = error as {
    readonly responseCode?: number
    readonly command?: string
    readonly response?: string
    readonly code?: string
  }
  if (responseCode !== undefined) {
    const reason = [responseCode, /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(response ?? '')?.[0]].filter(Boolean).join(' ')
    const isAboutIt = ABOUT_THE_MAIL.includes(command ?? '')
    if (isAboutIt && responseCode >= 500 && responseCode !== 503) return { type: 'bounced', reason }
    // Of credentials and the like: an operator will mend it, and nothing is lost until then.
    return { type: 'later', isUp: isAboutIt && responseCode !== 421, reason }
  }
  // The way to the server was chosen by the operator as well.
  if (DamsonError.isInstance(error)) return { type: 'later', isUp: false, reason: reasonOf(error) }
  if (code === 'EENVELOPE') return { type: 'bounced', reason: 'no address' }
  return outcomeOfError(error)
}
