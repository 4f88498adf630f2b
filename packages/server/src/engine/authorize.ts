import { hash, timingSafeEqual } from 'node:crypto'
import type { EpochMs } from '@damson/core'
import type { KeyClass } from '@damson/core/protocol'
import type { App } from './app.ts'

/** The keys of one app, ready to be compared with. */
export type KeyRing = readonly { readonly digest: Buffer; readonly keyClass: KeyClass; readonly expiresAt: EpochMs }[]

/** What an app nobody knows is compared with, so that an unknown app and a wrong key take the same time. */
export const NO_KEYS: KeyRing = [{ digest: Buffer.alloc(32), keyClass: 'production', expiresAt: 0 }]

export function keyRing(app: App): KeyRing {
  return app.keys.map(({ sha256, keyClass, expiresAt }) => ({
    digest: Buffer.from(sha256, 'hex'),
    keyClass,
    expiresAt: expiresAt ?? Infinity,
  }))
}

/** How a key is kept: nobody can read it back. */
export function keyDigest(clientKey: string): Buffer {
  return hash('sha256', clientKey, 'buffer')
}

/** The class of the key, or `null` if the app has no such key (any more). Compares with all of them, in equal time. */
export function authorize(ring: KeyRing, clientKey: string, now: EpochMs): KeyClass | null {
  const digest = keyDigest(clientKey)
  let found: KeyClass | null = null
  for (const key of ring) {
    if (timingSafeEqual(key.digest, digest) && now < key.expiresAt) found = key.keyClass
  }
  return found
}
