import { createHmac, timingSafeEqual } from 'node:crypto'

/** Facts in an address that only we can have written: whoever has it may read them, and change none. */
export interface SignedTokens<Facts extends readonly unknown[]> {
  write(facts: Facts): string
  /** `null`: not one of ours, or one for another purpose. */
  read(token: string): Facts | null
}

/** What a token is made of. */
export const TOKEN = String.raw`[\w.-]{1,8000}`

/** @param keys the server's own, the newest first: what an older one signed is good as long as it is named */
export function signedTokens<Facts extends readonly unknown[]>(
  purpose: string,
  keys: readonly [string, ...string[]],
): SignedTokens<Facts> {
  const sign = (key: string, text: string) => createHmac('sha256', key).update(`${purpose}\0${text}`).digest()
  return {
    write(facts) {
      const text = Buffer.from(JSON.stringify(facts)).toString('base64url')
      return `${text}.${sign(keys[0], text).toString('base64url')}`
    },
    read(token) {
      const [text = '', signature = ''] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const isOurs = keys.some((key) => given.length === 32 && timingSafeEqual(given, sign(key, text)))
      // What we have signed we have written.
      return isOurs ? (JSON.parse(Buffer.from(text, 'base64url').toString()) as Facts) : null
    },
  }
}
