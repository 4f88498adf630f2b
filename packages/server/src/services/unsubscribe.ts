import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Leaving } from '../engine/messages/outcome.ts'
import type { Outgoing } from '../engine/messages/outgoing.ts'

/** Links by which whoever gets a mail can leave, without an account: only we can make them, and nothing is kept of them. */
export interface UnsubscribeLinks {
  urlFor(appId: string, id: string, outgoing: Outgoing): string | null
  /** `null`: not one of ours. */
  read(token: string): Leaving | null
}

export const UNSUBSCRIBE_PATH = 'unsubscribe'

/** @param keys the server's own, the newest first: links that an older one made are good as long as it is named */
export function createUnsubscribeLinks(keys: readonly [string, ...string[]], publicUrl: string): UnsubscribeLinks {
  const base = publicUrl.replace(/\/+$/, '')
  const sign = (key: string, text: string) => createHmac('sha256', key).update(`unsubscribe\0${text}`).digest()
  return {
    urlFor(appId, id, { messageId, userId, part }) {
      if (part.channel !== 'email') return null
      const facts = [appId, id, messageId, userId, part.categoryId ?? 'all']
      const text = Buffer.from(JSON.stringify(facts)).toString('base64url')
      return `${base}/${UNSUBSCRIBE_PATH}/${text}.${sign(keys[0], text).toString('base64url')}`
    },
    read(token) {
      const [text = '', signature = ''] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const isOurs = keys.some((key) => given.length === 32 && timingSafeEqual(given, sign(key, text)))
      if (!isOurs) return null
      // What we have signed we have written.
      const [appId, id, messageId, userId, from] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [
        string,
        string,
        number,
        string,
        number | 'all',
      ]
      return { appId, id, messageId, userId, from }
    },
  }
}
