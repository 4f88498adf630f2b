import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { DamsonError } from '@damson/core'
import type { Sealing } from '../engine/scene.ts'
import { checkMasterKeys } from './signing.ts'

/** Keeps secrets that have to be had again, such as the keys to somebody's bucket. */
export interface Sealer extends Sealing {
  /** @throws {DamsonError} SEAL_BROKEN: changed, moved to another place, or sealed with a key this server does not have */
  open(place: readonly string[], sealed: string): string
}

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals with AES-256-GCM under the newest of the server's own keys, and opens what any of them has sealed. The place is
 * authenticated: what was sealed for one job opens for no other.
 * @source documented: security.md, Keys
 * @throws {DamsonError} MASTER_KEY_INVALID
 */
export function createSealer(masterKeys: readonly [string, ...string[]]): Sealer {
  checkMasterKeys(masterKeys)
  const [key, ...olderKeys] = masterKeys.map(keyOf) as [Buffer, ...Buffer[]]
  return {
    seal(place, text) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(aadOf(place))
      const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64url')
    },
    open(place, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      for (const candidate of [key, ...olderKeys]) {
        const text = opened(candidate, place, bytes)
        if (text !== null) return text
      }
      throw new DamsonError(
        'SEAL_BROKEN',
        'Expected a secret that this server has sealed, found another. If its master key was replaced, keep the old one beside it.',
      )
    },
  }
}

function opened(key: Buffer, place: readonly string[], bytes: Buffer): string | null {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(aadOf(place)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  try {
    const content = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
    return Buffer.concat([content, decipher.final()]).toString('utf8')
  } catch {
    // The tag does not fit: another key, another place, or other bytes.
    return null
  }
}

/** Apart from the keys that sign. */
function keyOf(masterKey: string): Buffer {
  return createHmac('sha256', masterKey)
    .update(JSON.stringify(['sealing']))
    .digest()
}

function aadOf(place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(place))
}
