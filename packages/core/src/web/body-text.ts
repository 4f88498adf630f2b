import { DamsonError } from '../errors.ts'

/** Where a body may be found, unread or read by whatever parser was mounted before us. */
export interface BodySource {
  /** Text, bytes, a stream, or what a JSON parser made of it. */
  readonly body?: unknown
  /** As Nest keeps it with `rawBody: true`. */
  readonly rawBody?: unknown
  /** As `Request` of the web has it. */
  text?(): Promise<string>
}

/** A stream of `node:http`. */
interface Readable extends AsyncIterable<Uint8Array> {
  readonly readableDidRead?: boolean
}

/** The longest body that is read, in bytes. @source assumed: an event's parameters are some kilobytes */
const MAX_BODY_BYTES = 1_048_576

/**
 * A body as text. What a JSON parser has read is written down again: senders that write with `JSON.stringify`, as ours,
 * wrote the same.
 * @throws {DamsonError} POSTBACK_REFUSED: too long, or somebody has read it and kept nothing
 */
export async function bodyText(source: BodySource): Promise<string> {
  if (isText(source.rawBody)) return decoded(source.rawBody)
  if (typeof source.text === 'function') return source.text()
  // A parser that passes a body over may still have put an empty object in its place: an unread stream comes first.
  if (isUnread(source)) return read(source)
  const { body } = source
  if (isText(body)) return decoded(body)
  if (typeof body !== 'object' || body === null)
    throw new DamsonError(
      'POSTBACK_REFUSED',
      'Expected a body, found none: something has read it before. Mount verifyPostback first, or a JSON parser before it.',
    )
  return JSON.stringify(body)
}

function isText(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

function decoded(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : new TextDecoder().decode(value)
}

function isUnread(source: BodySource): source is BodySource & Readable {
  return Symbol.asyncIterator in source && (source as Readable).readableDidRead !== true
}

async function read(stream: Readable): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of stream) {
    length += chunk.byteLength
    // Leaving the loop cuts the connection.
    if (length > MAX_BODY_BYTES)
      throw new DamsonError('POSTBACK_REFUSED', `Expected a body of at most ${MAX_BODY_BYTES} bytes, found more.`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
