import { randomUUID } from 'node:crypto'

const COOKIE = 'shop'
const signedIn = new Map<string, string>()

/** Signs somebody in and gives the cookie to set. A real shop would ask for a password, and forget people after a while. */
export function signIn(name: string): string {
  const key = randomUUID()
  signedIn.set(key, name)
  return `${COOKIE}=${key}; Path=/; HttpOnly; SameSite=Lax`
}

export function signOut(cookies: string | null): string {
  signedIn.delete(keyIn(cookies))
  return `${COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`
}

export function personOf(cookies: string | null): string | null {
  return signedIn.get(keyIn(cookies)) ?? null
}

function keyIn(cookies: string | null): string {
  return new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(cookies ?? '')?.[1] ?? ''
}
