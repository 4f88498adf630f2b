/** What we use of http_ece, which comes without types. */
declare module 'http_ece' {
  import type { ECDH } from 'node:crypto'

  interface Parameters {
    readonly version: 'aes128gcm'
    /** The receiver's public key, base64url. */
    readonly dh: string
    readonly privateKey: ECDH
    readonly salt: string
    readonly authSecret: string
  }

  const ece: { encrypt(text: Buffer, parameters: Parameters): Buffer }
  export default ece
}
