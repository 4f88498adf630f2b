import { SECOND_MS } from '@damson/core'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Dial } from '../services/dial.ts'
import type { CheckedSettings } from './settings.ts'

export type SmtpSettings = NonNullable<CheckedSettings['email']>['smtp']

/** Mails sent over one connection before it is closed; some servers end it after a hundred. */
const MAILS_PER_CONNECTION = 100
const IDLE_MS = 10 * SECOND_MS
/** For any one answer of the server. The whole mail has the time of its try. */
const ANSWER_MS = 20 * SECOND_MS

export interface Envelope {
  readonly from: string
  readonly to: string
}

export interface SmtpPool {
  /**
   * Rejects with what the server said (`responseCode`), or what the connection did.
   * @param beforeEnd waited for with all of the mail said but its last line, so that the server cannot have taken it
   */
  send(envelope: Envelope, message: Buffer, signal: AbortSignal, beforeEnd?: () => Promise<void>): Promise<void>
  close(): void
}

export function smtpPort({ port, tls }: SmtpSettings): number {
  return port ?? (tls === 'implicit' ? 465 : 587)
}

/**
 * Keeps connections to one SMTP server, as many as there are mails at a time. We open the sockets, so that they lead only
 * where they may, and so that a try that takes too long can be ended with its socket.
 */
export function createSmtpPool(settings: SmtpSettings, dial: Dial): SmtpPool {
  const idle: Line[] = []

  const send: SmtpPool['send'] = async (envelope, message, signal, beforeEnd) => {
    const line = idle.pop() ?? (await opened(signal))
    clearTimeout(line.timer)
    const end = () => line.socket.destroy()
    signal.addEventListener('abort', end, { once: true })
    try {
      await line.send(envelope, beforeEnd === undefined ? message : Readable.from(held(message, beforeEnd)))
    } catch (error) {
      line.connection.close()
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', end)
    }
    keep(line)
  }

  async function opened(signal: AbortSignal): Promise<Line> {
    const line = await open(settings, dial, signal)
    line.connection.once('end', () => drop(line))
    return line
  }

  function drop(line: Line): void {
    const place = idle.indexOf(line)
    if (place !== -1) idle.splice(place, 1)
    clearTimeout(line.timer)
    line.connection.quit()
  }

  function keep(line: Line): void {
    line.mails += 1
    if (line.mails >= MAILS_PER_CONNECTION || line.socket.destroyed) return line.connection.quit()
    idle.push(line)
    line.timer = setTimeout(() => drop(line), IDLE_MS).unref()
  }

  return {
    send,
    close: () => {
      for (const line of idle.splice(0)) line.connection.quit()
    },
  }
}

interface Line {
  readonly socket: Socket
  readonly connection: SMTPConnection
  mails: number
  timer: NodeJS.Timeout | undefined
  send(envelope: Envelope, message: Buffer | Readable): Promise<void>
}

/** The mail, which does not end before it may: the line with a dot comes when the stream ends. */
async function* held(message: Buffer, beforeEnd: () => Promise<void>): AsyncGenerator<Buffer> {
  yield message
  await beforeEnd()
}

async function open(settings: SmtpSettings, dial: Dial, signal: AbortSignal): Promise<Line> {
  const { host, tls = 'starttls', user, password } = settings
  const socket = await dial(host, smtpPort(settings), signal)
  const connection = new SMTPConnection({
    connection: socket,
    host,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    greetingTimeout: ANSWER_MS,
    socketTimeout: ANSWER_MS,
  })
  // Said to whoever waits; a connection that breaks while nobody does has nobody to tell.
  let fail: (error: unknown) => void = () => {}
  connection.on('error', (error) => fail(error))
  connection.on('end', () => fail(new Error('The connection ended.')))
  const step = (work: (done: (error?: unknown) => void) => void) =>
    new Promise<void>((resolve, reject) => {
      fail = reject
      work((error) => (error ? reject(error) : resolve()))
    })
  const end = () => socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    await step((done) => connection.connect(done))
    if (user !== undefined) await step((done) => connection.login({ user, pass: password ?? '' }, done))
  } catch (error) {
    connection.close()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', end)
  }
  const send: Line['send'] = (envelope, message) => step((done) => connection.send(envelope, message, done))
  return { socket, connection, mails: 0, timer: undefined, send }
}
