import { systemClock, type Client } from '@damson/core'
import { createVisitors, type Visitor, type Visitors } from '@damson/core/web'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { beaconOf, sendScript } from './beacon.ts'
import type { DamsonOptions, Middleware } from './options.ts'
import { enterScope, findScope } from './registry.ts'
import { isBrowser, isNoSign } from './requests.ts'
import { consentOf, report, safely, Scope, type ScopeParts } from './scope.ts'
import { noteSignOfLife } from './sign-of-life.ts'

/**
 * Sessions for the visitors of an Express app: who they are, by a signed cookie and your `identify`; that they are there, by
 * their requests and their pages. Mount it after your sign-in and before your routes. Nothing that goes wrong in here reaches
 * a response.
 *
 * @throws {DamsonError} SECRET_INVALID, COOKIE_INVALID: the options, when the app starts
 */
export function damson<E extends object, R extends IncomingMessage = IncomingMessage>(
  client: Client<E>,
  options: DamsonOptions<R>,
): Middleware<R> {
  // Inside, one event is as good as another, and the request is the one that the host's functions were written for.
  return middleware(client, options as DamsonOptions)
}

function middleware(client: Client, options: DamsonOptions): Middleware {
  const visitors = visitorsOf(options)
  const beacon = beaconOf(client, options)

  /** Never rejects. */
  async function prepare(request: IncomingMessage, response: ServerResponse): Promise<Scope> {
    const isSign = !isNoSign(request) && beacon?.isMessage(request) !== true && !isIgnored(options, request)
    const consent = consentOf(options, request)
    const isWelcome = isSign && consent === 'granted'
    const parts = await recognize(visitors, options, request, response, isWelcome)
    const scope = new Scope({ client, options, request, consent, ...parts })
    if (isSign) {
      response.once('close', () => {
        noteSignOfLife(scope, options, request, response).catch((error: unknown) => report(options, error))
      })
    }
    return scope
  }

  return function damsonMiddleware(request, response, next) {
    if (findScope(request) !== undefined) return next()
    if (beacon?.isScript(request) === true) return sendScript(response)
    void prepare(request, response).then((scope) => {
      if (beacon?.isMessage(request) === true) void beacon.answer(request, response, scope)
      else enterScope(request, scope, next)
    })
  }
}

function isIgnored(options: DamsonOptions, request: IncomingMessage): boolean {
  return safely(options, true, () => options.ignore?.(request) === true)
}

type Recognized = Pick<ScopeParts, 'visitor' | 'standing' | 'forget'>

/** Never rejects: a visitor whom we fail to recognize is one who is passing. */
async function recognize(
  visitors: Visitors | null,
  options: DamsonOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isWelcome: boolean,
): Promise<Recognized> {
  const { clock = systemClock } = options
  const passing = (): Recognized => {
    return { visitor: { deviceId: crypto.randomUUID(), issuedAt: clock.now() }, standing: 'passing', forget: null }
  }
  if (visitors === null) return passing()
  const write = async (visitor: Visitor) => appendCookie(response, await visitors.cookieFor(visitor))
  const forget = () => write(visitors.issue())
  const isSignedIn = () => safely(options, null, () => options.identify?.(request)) != null
  try {
    const known = await visitors.read(request.headers.cookie)
    if (known !== null) {
      // The scope still sees the visitor as read: it has yet to hand over.
      const signedIn = isWelcome && known.hasSignedIn !== true && isSignedIn() ? { ...known, hasSignedIn: true } : null
      const renewed = isWelcome ? (visitors.renew(signedIn ?? known) ?? signedIn) : null
      if (renewed !== null) await write(renewed)
      return { visitor: known, standing: 'known', forget }
    }
    if (!isWelcome || !isBrowser(request)) return passing()
    const visitor = visitors.issue()
    await write(isSignedIn() ? { ...visitor, hasSignedIn: true } : visitor)
    return { visitor, standing: 'new', forget }
  } catch (error) {
    report(options, error)
    return passing()
  }
}

function visitorsOf({ cookie, secrets = [], clock }: DamsonOptions): Visitors | null {
  return cookie === false ? null : createVisitors({ secrets, cookie, clock })
}

/** Beside the cookies that others have set. */
function appendCookie(response: ServerResponse, cookie: string): void {
  if (!response.headersSent) response.appendHeader('set-cookie', cookie)
}
