import { randomBytes } from 'node:crypto'
import type { EpochMs } from '@damson/core'
import type { KeyClass } from '@damson/core/protocol'
import { type App, type AppKey, type AppSettings, DEFAULT_APP_SETTINGS } from './engine/app.ts'
import { keyDigest } from './engine/authorize.ts'

/** The classes an app has keys of, with what the keys begin with. @source observed: specification 3 (`prod_`, `dev_`) */
const KEY_PREFIX = {
  production: 'prod_',
  development: 'dev_',
  dataExport: 'export_',
  contentReadOnly: 'content_',
} as const satisfies Partial<Record<KeyClass, string>>

export type IssuedClass = keyof typeof KEY_PREFIX
export const ISSUED_CLASSES = Object.keys(KEY_PREFIX) as readonly IssuedClass[]

/** Keys in the clear, one of each class; shown once and not kept. */
export type IssuedKeys = Readonly<Record<IssuedClass, string>>

export function randomAppId(): string {
  return `app_${secret()}`
}

export function randomKey(keyClass: IssuedClass): string {
  return `${KEY_PREFIX[keyClass]}${secret()}`
}

export function randomKeys(): IssuedKeys {
  return Object.fromEntries(ISSUED_CLASSES.map((keyClass) => [keyClass, randomKey(keyClass)])) as unknown as IssuedKeys
}

/** What is kept of a key. */
export function appKey(keyClass: KeyClass, key: string, createdAt: EpochMs): AppKey {
  return { keyClass, sha256: keyDigest(key).toString('hex'), last4: key.slice(-4), createdAt, expiresAt: null }
}

/** An app as people write it down: its keys in the clear, its settings where they differ from ours. */
export interface NewApp {
  readonly appId: string
  readonly name: string
  readonly keys: Readonly<Partial<Record<KeyClass, readonly string[]>>>
  readonly settings?: Partial<AppSettings>
}

/**
 * The app as it is kept, given those that are kept already. What is written down replaces what was stored of the same
 * app; but a key that stays keeps its age, and the app its number and the names it has used.
 */
export function keptApp(apps: readonly App[], { appId, name, keys, settings }: NewApp, now: EpochMs): App {
  const stored = apps.find((app) => app.appId === appId)
  const freshKeys = Object.entries(keys).flatMap(([keyClass, texts]) =>
    texts.map((text) => appKey(keyClass as KeyClass, text, now)),
  )
  const isSame = (one: AppKey, other: AppKey) => one.sha256 === other.sha256 && one.keyClass === other.keyClass
  return {
    number: Math.max(0, ...apps.map((app) => app.number)) + 1,
    ...stored,
    appId,
    name,
    keys: freshKeys.map((fresh) => stored?.keys.find((old) => isSame(old, fresh)) ?? fresh),
    settings: { ...DEFAULT_APP_SETTINGS, ...settings },
  }
}

/** The app with a new key of a class. Old ones of it end `keepMs` from now; those that are over are gone. */
export function rotated(app: App, keyClass: IssuedClass, key: string, keepMs: number, now: EpochMs): App {
  const end = now + keepMs
  const old = app.keys.map((one) =>
    one.keyClass === keyClass ? { ...one, expiresAt: Math.min(one.expiresAt ?? end, end) } : one,
  )
  const live = old.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
  return { ...app, keys: [...live, appKey(keyClass, key, now)] }
}

/** 256 random bits: 43 characters of base64url. */
function secret(): string {
  return randomBytes(32).toString('base64url')
}
