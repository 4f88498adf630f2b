export {
  createBeaconHandler,
  MAX_BEACON_BYTES,
  type BeaconHandlerOptions,
  type BeaconRequest,
  type BeaconResponse,
} from './beacon-handler.ts'
export type { BeaconMessage } from './beacon-message.ts'
export { BEACON_SCRIPT } from './beacon-script.ts'
export type { Cookie, CookieOptions } from './cookie.ts'
export { handOver } from './hand-over.ts'
export { headerOf, headersOf, isPrefetch, type HeaderReader, type HeaderSource } from './headers.ts'
export { isSameOrigin, type OriginQuestion } from './same-origin.ts'
export { verifyPostback, type Postback, type PostbackRequest, type VerifyOptions } from './verify-postback.ts'
export { createVisitors, type Visitor, type VisitorOptions, type Visitors } from './visitors.ts'
