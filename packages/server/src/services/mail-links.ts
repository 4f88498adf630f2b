import type { Leaving, Reaction } from '../engine/messages/outcome.ts'
import type { Outgoing } from '../engine/messages/outgoing.ts'
import { signedTokens } from './signed-tokens.ts'

/** The addresses of ours that stand in one mail. */
export interface MailAddresses {
  /** Where whoever gets it can leave, without an account. */
  readonly unsubscribe: string
  /** A picture that tells that it was opened. */
  readonly open: string
  /** Leads on to `url`, which is the `index`th link of the mail, and tells that it was followed. */
  click(index: number, url: string): string
}

/** Makes the links in mails, and knows them again: only we can make them, and nothing is kept of them. */
export interface MailLinks {
  /** `null`: this is no mail. */
  addressesOf(appId: string, id: string, outgoing: Outgoing): MailAddresses | null
  /** `null`, here and below: not one of ours. */
  readUnsubscribe(token: string): Leaving | null
  readOpen(token: string): Reaction | null
  readClick(token: string): (Reaction & { readonly link: NonNullable<Reaction['link']> }) | null
}

/** The last part but one of their paths. */
export const MAIL_PATHS = ['unsubscribe', 'open', 'click'] as const
export type MailPath = (typeof MAIL_PATHS)[number]

/** App, delivery, message, user. */
type Mail = readonly [string, string, number, string]

/** @param keys the server's own, the newest first: links that an older one made are good as long as it is named */
export function createMailLinks(keys: readonly [string, ...string[]], publicUrl: string): MailLinks {
  const base = publicUrl.replace(/\/+$/, '')
  const leaves = signedTokens<readonly [...Mail, from: number | 'all']>('unsubscribe', keys)
  const opens = signedTokens<Mail>('open', keys)
  const clicks = signedTokens<readonly [...Mail, index: number, url: string]>('click', keys)
  const address = (path: MailPath, token: string) => `${base}/${path}/${token}`
  return {
    addressesOf(appId, id, { messageId, userId, part }) {
      if (part.channel !== 'email') return null
      const mail: Mail = [appId, id, messageId, userId]
      return {
        unsubscribe: address('unsubscribe', leaves.write([...mail, part.categoryId ?? 'all'])),
        open: address('open', opens.write(mail)),
        click: (index, url) => address('click', clicks.write([...mail, index, url])),
      }
    },
    readUnsubscribe(token) {
      const facts = leaves.read(token)
      if (facts === null) return null
      const [appId, id, messageId, userId, from] = facts
      return { appId, id, messageId, userId, from }
    },
    readOpen(token) {
      const facts = opens.read(token)
      if (facts === null) return null
      const [appId, id, messageId, userId] = facts
      return { appId, id, messageId, userId, link: null }
    },
    readClick(token) {
      const facts = clicks.read(token)
      if (facts === null) return null
      const [appId, id, messageId, userId, index, url] = facts
      return { appId, id, messageId, userId, link: { index, url } }
    },
  }
}
