import { createPrivateKey } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import DKIM from 'nodemailer/lib/dkim'
import type { EmailSettings } from './email.ts'

/** Signs a mail, so that whoever gets it can tell that its domain has sent it, as it is (RFC 6376). */
export type SignMail = (mail: Buffer) => Promise<Buffer>

/** All that we write; RFC 8058 asks for both fields by which one click leaves, and the library leaves one out. */
const FIELDS = [
  'From',
  'Reply-To',
  'To',
  'Subject',
  'Date',
  'Message-ID',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
  'Auto-Submitted',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
].join(':')

export function dkimSigner({ domain, selector, privateKey }: NonNullable<EmailSettings['dkim']>): SignMail {
  const dkim = new DKIM({
    domainName: domain,
    keySelector: selector,
    // Read once, and not for each mail.
    privateKey: createPrivateKey(privateKey),
    headerFieldNames: FIELDS,
  })
  return (mail) => buffer(dkim.sign(mail))
}
