import { MAX_NOTIFICATION_CHANNELS, MAX_PARAMS } from './limits.ts'

/** A warning or an error of the API. Clients match on some of these texts, so they are part of the wire. */
export interface Notice {
  readonly as: 'warning' | 'error'
  /** The status if this is the only element of the answer. */
  readonly httpStatus: number
  /** Whether the same request may succeed later. SDKs keep a batch on 408, 429 and 5xx and drop it on any other 4xx. */
  readonly retryable: boolean
  /** A function, if the text has values in it; which ones, `ValuesOf` says. */
  readonly text: string | ((values: never) => string)
}

interface Named {
  readonly name: string
}
interface Days {
  readonly days: number
}
interface OfKind extends Named {
  readonly kind: 'event' | 'state' | 'attribute' | 'parameter'
}

/**
 * Every warning and error there is. @source documented or observed: specification 2.3 and 5.3, which also mark the texts
 * that are ours; those of transport and overload at the end are ours too.
 */
export const NOTICES = {
  // Skipped: received, and not done.
  USER_NOT_FOUND: warning('User not found; request skipped.'),
  NO_ACTIVE_SESSION: warning('No active session; request skipped.'),
  MESSAGE_ENTITY_NOT_FOUND: warning('Message entity not found'),
  CAMPAIGN_NOT_FOUND: warning('Campaign not found'),

  // Done, but not quite as asked. The 2015 wording ("Anomaly detected…") is superseded.
  CLOCK_BEHIND: warning(({ days }: Days) => `Device clock skew detected (${days} days behind). Rewriting timestamp.`),
  CLOCK_AHEAD: warning(({ days }: Days) => `Device clock skew detected (${days} days ahead). Rewriting timestamp.`),
  PAST_EVENT: warning(({ days }: Days) => `Past event detected (${days} days ago). Rewriting timestamp.`),
  TOO_MANY_PARAMS: warning(
    ({ count }: { readonly count: number }) =>
      `Too many parameters (${count}); only the first ${MAX_PARAMS} were kept.`,
  ),
  INVALID_NAME: warning(({ name }: Named) => `Invalid name '${name}'.`),
  TOO_MANY_NAMES: warning(({ kind, name }: OfKind) => `Too many ${kind} names; '${name}' is one more than allowed.`),
  UNKNOWN_VALUE: warning(
    ({ name, value }: Named & { readonly value: string }) => `Unknown ${name} '${value}'; stored as it came.`,
  ),
  UNKNOWN_CURRENCY: warning(
    ({ code }: { readonly code: string }) => `Unknown currency code '${code}'; value was not converted.`,
  ),

  // The request is not as it must be.
  INVALID_JSON: error(400, 'Invalid JSON in request body.'),
  REQUEST_TOO_COMPLEX: error(400, 'Request is nested too deeply or has too many members.'),
  MISSING_ARGUMENT: error(400, ({ name }: Named) => `'${name}' must be provided`),
  INVALID_ARGUMENT: error(400, ({ name }: Named) => `'${name}' is invalid.`),
  /** An expression of audiences that cannot be read; the reason says where and why. */
  INVALID_EXPRESSION: error(
    400,
    ({ name, reason }: Named & { readonly reason: string }) => `'${name}' is invalid: ${reason}`,
  ),
  UNKNOWN_ACTION: error(400, ({ name }: Named) => `Unknown action: ${name}`),
  /** `uploadFile`: the parts are not what the arguments say of them. */
  INVALID_UPLOAD: error(400, ({ reason }: { readonly reason: string }) => reason),
  /** A secret is kept sealed or not at all. */
  NO_SECRETS: error(400, ({ name }: Named) => `'${name}' cannot be kept: this server has no master key.`),
  VARIABLES_TOO_LARGE: error(
    400,
    ({ bytes, limit }: { readonly bytes: number; readonly limit: number }) =>
      `'vars' would bring the app's variables to ${bytes} bytes; at most ${limit} are allowed.`,
  ),
  NOT_IN_BATCH: error(400, 'Action not allowed in a batch.'),
  BATCH_TOO_LARGE: error(403, 'Too many users or actions in a single multi call.'),
  /** In `setUserAttributes`, of one field or, without a field's name, of the whole entry. Recorded with HTTP 200. */
  INVALID_HISTORY: error(200, ({ kind, name, field }: OfKind & { readonly field: string }) =>
    field === '' ? `${kind} '${name}' is invalid.` : `${kind} '${name}' ${field} is invalid.`,
  ),

  // Who may do what, and to whom.
  APP_NOT_FOUND: error(404, 'App not found'),
  INVALID_ACCESS_KEY: error(403, 'Invalid access key'),
  DEVELOPMENT_MODE_NOT_PERMITTED: error(403, 'Development mode requested but not permitted'),
  INVALID_SUBJECT: error(404, 'Invalid app/user combination'),
  PROFILE_BLOCKED: error(451, 'Unavailable For Legal Reasons'),
  UNKNOWN_DEVELOPER: error(403, 'Unknown developer email.'),
  ENDPOINT_MISMATCH: error(200, 'App endpoint configuration mismatch.'),

  // What was asked for is not there.
  MESSAGE_NOT_FOUND: error(404, 'Message not found.'),
  AB_TEST_NOT_FOUND: error(404, 'A/B test not found.'),
  VARIANT_NOT_FOUND: error(404, 'Variant not found.'),
  FILE_NOT_FOUND: error(404, 'File not found.'),
  JOB_NOT_FOUND: error(404, 'Job not found.'),
  POSTBACK_NOT_FOUND: error(404, 'Postback not found.'),
  CHANNEL_NOT_FOUND: error(404, 'Channel not found.'),
  DEFAULT_CHANNEL: error(400, 'Cannot delete the default channel.'),
  NO_MATCHING_DATA: error(404, 'No matching data found.'),
  EXPORT_TOO_OLD: error(200, 'You cannot export data older than 60 days'),

  // Too much.
  PROFILE_BUSY: again(429, 'Request failed due to concurrent requests to the same profile ID'),
  DEVICE_RATE_LIMIT: again(429, 'Per device rate limit exceeded.'),
  TOO_MANY_REQUESTS: again(429, 'Too Many Requests.'),
  EXPORT_QUOTA: again(429, 'Daily export limit exceeded.'),
  TOO_MANY_CHANNELS: error(403, `Maximum number of notification channels reached (${MAX_NOTIFICATION_CHANNELS}).`),
  TOO_MANY_POSTBACKS: error(403, 'Maximum number of postbacks reached (3).'),

  // Transport, and we ourselves.
  METHOD_NOT_ALLOWED: error(405, 'Method not allowed.'),
  REQUEST_TOO_LARGE: error(413, 'Request body is too large.'),
  UNSUPPORTED_ENCODING: error(415, 'Content-Encoding is not supported.'),
  INTERNAL_ERROR: again(500, 'Internal error.'),
  UNAVAILABLE: again(503, 'Service unavailable; try again later.'),
} as const satisfies Record<string, Notice>

export type NoticeCode = keyof typeof NOTICES

type CodeOf<As extends Notice['as']> = {
  [C in NoticeCode]: (typeof NOTICES)[C]['as'] extends As ? C : never
}[NoticeCode]

export type WarningCode = CodeOf<'warning'>
export type ErrorCode = CodeOf<'error'>

/** What a notice's text is made of; `null` if it is always the same. */
export type ValuesOf<C extends NoticeCode> = (typeof NOTICES)[C]['text'] extends (values: infer V) => string ? V : null

function warning<const T extends Notice['text']>(text: T) {
  return { as: 'warning', httpStatus: 200, retryable: false, text } as const
}

function error<const T extends Notice['text']>(httpStatus: number, text: T) {
  return { as: 'error', httpStatus, retryable: false, text } as const
}

/** An error that may be gone the next time. */
function again<const T extends Notice['text']>(httpStatus: number, text: T) {
  return { as: 'error', httpStatus, retryable: true, text } as const
}
