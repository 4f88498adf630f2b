import { hash, timingSafeEqual } from 'node:crypto'
import {
  ADMIN_ACTIONS,
  type ActionDefinition,
  failed,
  isAdminActionName,
  type Outcome,
  parseArgs,
  parseJson,
} from '@damson/core/protocol'
import { readBody } from '../http/body.ts'
import type { HttpLimits } from '../http/limits.ts'
import type { PlainRequest, PlainResponse } from '../http/plain.ts'
import { refusal, refuse } from '../http/responses.ts'
import { type AdminPorts, adminHandlers } from './handlers.ts'

/** A shorter key could be guessed. */
export const ADMIN_KEY_LENGTH_MIN = 32

/** Answers a request of the admin surface. */
export type AdminRoute = (request: PlainRequest) => Promise<PlainResponse>

/** The key goes into a header, so that it is in no address, no log of addresses and no form of a stranger's page. */
const NEEDS_KEY = refusal(401, 'Expected the admin key: Authorization: Bearer KEY')
const POST_ONLY = refusal(405, 'Expected POST with a JSON object that names an action.')
const NOT_AN_OBJECT = refusal(400, 'Expected a JSON object that names an action.')

/**
 * The admin surface over HTTP. No answer of it may be read by pages of other origins.
 * @throws {RangeError} a key that is too short
 */
export function createAdminRoute(keys: readonly string[], ports: AdminPorts, limits: HttpLimits): AdminRoute {
  const digests = keys.map((key) => {
    if (key.length < ADMIN_KEY_LENGTH_MIN)
      throw new RangeError(
        `Expected an admin key of ${ADMIN_KEY_LENGTH_MIN} characters or more, and found ${key.length}.`,
      )
    return digestOf(key)
  })

  function isKey(given: string | undefined): boolean {
    const digest = digestOf(/^Bearer (.+)$/i.exec(given ?? '')?.[1] ?? '')
    // All of them are compared with, in equal time.
    return digests.filter((one) => timingSafeEqual(one, digest)).length > 0
  }

  return async (request) => {
    if (!isKey(request.headers['authorization'])) return closed(NEEDS_KEY, { 'WWW-Authenticate': 'Bearer' })
    if (request.method !== 'POST') return closed(POST_ONLY, { Allow: 'POST' })
    const body = await readBody(request, limits)
    if (!body.ok) return closed(body.outcome)
    const parsed = parseJson(body.text)
    if (!parsed.ok || !isRecord(parsed.value)) return closed(NOT_AN_OBJECT)
    return closed(await perform(parsed.value, ports))
  }
}

async function perform(raw: Readonly<Record<string, unknown>>, ports: AdminPorts): Promise<Outcome> {
  const { action: name } = raw
  if (!isAdminActionName(name)) return failed('UNKNOWN_ACTION', { name: String(name) })
  const row: ActionDefinition = ADMIN_ACTIONS[name]
  const read = parseArgs(row, raw)
  if (!read.ok)
    return 'missing' in read
      ? failed('MISSING_ARGUMENT', { name: read.missing })
      : failed('INVALID_ARGUMENT', { name: read.invalid })
  // The row of this name has parsed what the handler of this name takes.
  return (adminHandlers[name] as (args: unknown, ports: AdminPorts) => Outcome | Promise<Outcome>)(read.args, ports)
}

function closed(outcome: Outcome, more: Readonly<Record<string, string>> = {}): PlainResponse {
  const response = refuse(outcome, { 'Cache-Control': 'no-store', ...more })
  const { 'Access-Control-Allow-Origin': _, ...headers } = response.headers
  return { ...response, headers }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
