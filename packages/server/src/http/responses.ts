import { encodeElements, type Outcome } from '@damson/core/protocol'
import type { PlainResponse } from './plain.ts'

type Headers = PlainResponse['headers']

/** On every answer, errors included. @source observed: specification 1.6 */
const JSON_HEADERS: Headers = {
  'Access-Control-Allow-Origin': '*',
  'Content-Type': 'application/json;charset=utf-8',
}
const OK_HEADERS: Headers = { ...JSON_HEADERS, 'Cache-Control': 'private' }

export function json(status: number, body: string, more?: Headers): PlainResponse {
  const headers = status === 200 ? OK_HEADERS : JSON_HEADERS
  return { status, headers: more === undefined ? headers : { ...headers, ...more }, body }
}

/** The normal envelope with one element, for what never reached the engine. */
export function refuse(outcome: Outcome, more?: Headers): PlainResponse {
  return json(outcome.status, encodeElements([{ outcome, reqId: undefined }]), more)
}

/** To another address, relative to the one that was asked. */
export function redirect(location: string): PlainResponse {
  const headers = { 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'private', Location: location }
  return { status: 302, headers, body: null }
}

/** An error of ours that is no part of the API: of HTTP itself, or of what a mount adds. */
export function refusal(status: number, error: string): Outcome {
  return { status, success: false, error }
}

/** @source assumed: specification 1.6, preflight */
export const PREFLIGHT: PlainResponse = {
  status: 204,
  headers: {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
    'Access-Control-Allow-Headers': 'Content-Type',
    'Access-Control-Max-Age': '86400',
  },
  body: null,
}
