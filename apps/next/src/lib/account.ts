import { randomUUID } from 'node:crypto'
import { once } from './once'

/** Where the shop keeps who signed in: a random token in a cookie, the name on the server. */
export const ACCOUNT_COOKIE = 'shop_account'

const accounts = () => once('accounts', () => new Map<string, string>())

export function openAccount(name: string): string {
  const token = randomUUID()
  accounts().set(token, name)
  return token
}

export function accountOf(cookieHeader: string | null): string | null {
  const token = cookieHeader?.match(/(?:^|;\s*)shop_account=([\w-]+)/)?.[1]
  return (token !== undefined && accounts().get(token)) || null
}
