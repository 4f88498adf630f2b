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

  /** Never rejects. Most requests bring a cookie that was seen lately: they go on at once. */
  function prepare(request: IncomingMessage, response: ServerResponse): Scope | Promise<Scope> {
    const isSign = !isNoSign(request) && beacon?.isMessage(request) !== true && !isIgnored(options, request)
    const consent = consentOf(options, request)
    const isWelcome = isSign && consent === 'granted'
    const scopeFor = (parts: Recognized): Scope => {
      const scope = new Scope({ client, options, request, consent, ...parts })
      if (isSign) response.once('close', () => noteSignOfLife(scope, options, request, response))
      return scope
    }
    const recognizer = { visitors, options, request, response, isWelcome }
    const recalled = recall(recognizer)
    return recalled === null ? recognize(recognizer).then(scopeFor) : scopeFor(recalled)
  }

  return function damsonMiddleware(request, response, next) {
    if (findScope(request) !== undefined) return next()
    if (beacon?.isScript(request) === true) return sendScript(response)
    const go = (scope: Scope): void => {
      if (beacon?.isMessage(request) === true) void beacon.answer(request, response, scope)
      else enterScope(request, scope, next)
    }
    const prepared = prepare(request, response)
    if (prepared instanceof Scope) go(prepared)
    else void prepared.then(go)
  }
}

function isIgnored(options: DamsonOptions, request: IncomingMessage): boolean {
  return safely(options, true, () => options.ignore?.(request) === true)
}

type Recognized = Pick<ScopeParts, 'visitor' | 'standing' | 'forget'>

interface Recognizer {
  readonly visitors: Visitors | null
  readonly options: DamsonOptions
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly isWelcome: boolean
}

/** Somebody whose cookie was seen lately and stays as it is. */
function recall({ visitors, options, request, response, isWelcome }: Recognizer): Recognized | null {
  const known = visitors?.recall(request.headers.cookie) ?? null
  if (visitors === null || known === null) return null
  if (isWelcome && (visitors.renew(known) !== null || (known.hasSignedIn !== true && isSignedIn(options, request))))
    return null
  return { visitor: known, standing: 'known', forget: () => write(visitors, response, visitors.issue()) }
}

/** Never rejects: a visitor whom we fail to recognize is one who is passing. */
async function recognize({ visitors, options, request, response, isWelcome }: Recognizer): Promise<Recognized> {
  const { clock = systemClock } = options
  const passing = (): Recognized => {
    return { visitor: { deviceId: crypto.randomUUID(), issuedAt: clock.now() }, standing: 'passing', forget: null }
  }
  if (visitors === null) return passing()
  const forget = () => write(visitors, response, visitors.issue())
  try {
    const known = await visitors.read(request.headers.cookie)
    if (known !== null) {
      // The scope still sees the visitor as read: it has yet to hand over.
      const signsIn = isWelcome && known.hasSignedIn !== true && isSignedIn(options, request)
      const signedIn = signsIn ? { ...known, hasSignedIn: true } : null
      const renewed = isWelcome ? (visitors.renew(signedIn ?? known) ?? signedIn) : null
      if (renewed !== null) await write(visitors, response, renewed)
      return { visitor: known, standing: 'known', forget }
    }
    if (!isWelcome || !isBrowser(request)) return passing()
    const visitor = visitors.issue()
    await write(visitors, response, isSignedIn(options, request) ? { ...visitor, hasSignedIn: true } : visitor)
    return { visitor, standing: 'new', forget }
  } catch (error) {
    report(options, error)
    return passing()
  }
}

function isSignedIn(options: DamsonOptions, request: IncomingMessage): boolean {
  return safely(options, null, () => options.identify?.(request)) != null
}

/** Beside the cookies that others have set. */
async function write(visitors: Visitors, response: ServerResponse, visitor: Visitor): Promise<void> {
  const cookie = await visitors.cookieFor(visitor)
  if (!response.headersSent) response.appendHeader('set-cookie', cookie)
}

function visitorsOf({ cookie, secrets = [], clock }: DamsonOptions): Visitors | null {
  return cookie === false ? null : createVisitors({ secrets, cookie, clock })
}
