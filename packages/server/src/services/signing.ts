import { DamsonError, type EpochMs, SECOND_MS } from '@damson/core'
import { createHmac } from 'node:crypto'
import type { Signing } from '../engine/scene.ts'

/** What is signed: one try to deliver something, for one rule. */
export interface Signed {
  readonly appId: string
  readonly kind: string
  readonly rule: number
  /** The same for every try. */
  readonly id: string
  readonly body: string
  /** Of this try. */
  readonly at: EpochMs
}

/** Signs what is sent out, as https://www.standardwebhooks.com describes it. */
export interface Signer extends Signing {
  /** `webhook-signature`: one signature for each of the server's keys, so that a key can be replaced. */
  sign(message: Signed): string
}

/** Shorter ones could be guessed. @source assumed: as many characters as a hash has bytes */
const MASTER_KEY_MIN = 32

/**
 * Makes the secret of each rule out of the server's own key, so that none is kept anywhere. The newest key comes first; a
 * receiver that knows the secret of any of them accepts the signature.
 * @throws {DamsonError} MASTER_KEY_INVALID
 */
export function createSigner(masterKeys: readonly [string, ...string[]]): Signer {
  checkMasterKeys(masterKeys)
  return {
    secretOf: (appId, kind, rule) => `whsec_${secretOf(masterKeys[0], appId, kind, rule).toString('base64')}`,
    sign({ appId, kind, rule, id, body, at }) {
      const content = `${id}.${Math.floor(at / SECOND_MS)}.${body}`
      const signatures = masterKeys.map((key) =>
        createHmac('sha256', secretOf(key, appId, kind, rule))
          .update(content)
          .digest('base64'),
      )
      return signatures.map((signature) => `v1,${signature}`).join(' ')
    },
  }
}

/** @throws {DamsonError} MASTER_KEY_INVALID */
export function checkMasterKeys(masterKeys: readonly string[]): void {
  const shortest = Math.min(...masterKeys.map((key) => key.length))
  if (shortest >= MASTER_KEY_MIN) return
  throw new DamsonError(
    'MASTER_KEY_INVALID',
    `Expected a master key of at least ${MASTER_KEY_MIN} characters, found one of ${shortest}. ` +
      'Make one with `openssl rand -hex 32`.',
  )
}

function secretOf(masterKey: string, appId: string, kind: string, rule: number): Buffer {
  return createHmac('sha256', masterKey)
    .update(JSON.stringify(['signing', appId, kind, rule]))
    .digest()
}
