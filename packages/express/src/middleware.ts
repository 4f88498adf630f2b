import { systemClock, type Client } from '@damson/core'
import { createVisitors, type Visitors } from '@damson/core/web'
import type { IncomingMessage } from 'node:http'
import { beaconOf, sendScript } from './beacon.ts'
import { writeCookie } from './cookie.ts'
import type { DamsonOptions, Middleware } from './options.ts'
import { enterScope, findScope } from './registry.ts'
import { isBrowser, isNoSign } from './requests.ts'
import { consentOf, report, safely, Scope, type Arrival } from './scope.ts'
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

  function enter(scope: Scope, next: () => void): void {
    const { request, response, isSign, isMessage } = scope.arrival
    // Few objects, and no promises, for the many requests of visitors who are known: each is garbage of every request.
    if (isSign) response.on('close', () => noteSignOfLife(scope))
    if (isMessage) void beacon?.answer(request, response, scope)
    else enterScope(request, scope, next)
  }

  return function damsonMiddleware(request, response, next) {
    if (findScope(request) !== undefined) return next()
    if (beacon?.isScript(request) === true) return sendScript(response)
    const isMessage = beacon?.isMessage(request) === true
    const isSign = !isNoSign(request) && !isMessage && !isIgnored(options, request)
    const consent = consentOf(options, request)
    const arrival = { client, options, visitors, request, response, consent, isSign, isMessage }
    const recalled = recall(arrival)
    if (recalled === null) void recognize(arrival).then((scope) => enter(scope, next))
    else enter(recalled, next)
  }
}

function isIgnored(options: DamsonOptions, request: IncomingMessage): boolean {
  return safely(options, true, () => options.ignore?.(request) === true)
}

/** Somebody whose cookie was seen lately and stays as it is: most requests are theirs, and go on at once. */
function recall(arrival: Arrival): Scope | null {
  const { visitors, options, request } = arrival
  const known = visitors?.recall(request.headers.cookie) ?? null
  if (visitors === null || known === null) return null
  const isStale = visitors.renew(known) !== null || (known.hasSignedIn !== true && isSignedIn(options, request))
  return isStale && isWelcome(arrival) ? null : new Scope(arrival, known, 'known')
}

/** Never rejects: a visitor whom we fail to recognize is one who is passing. */
async function recognize(arrival: Arrival): Promise<Scope> {
  const { visitors, options, request, response } = arrival
  const { clock = systemClock } = options
  const passing = (): Scope => {
    return new Scope(arrival, { deviceId: crypto.randomUUID(), issuedAt: clock.now() }, 'passing')
  }
  if (visitors === null) return passing()
  try {
    const known = await visitors.read(request.headers.cookie)
    if (known !== null) {
      // The scope still sees the visitor as read: it has yet to hand over.
      const signsIn = isWelcome(arrival) && known.hasSignedIn !== true && isSignedIn(options, request)
      const signedIn = signsIn ? { ...known, hasSignedIn: true } : null
      const renewed = isWelcome(arrival) ? (visitors.renew(signedIn ?? known) ?? signedIn) : null
      if (renewed !== null) await writeCookie(visitors, response, renewed)
      return new Scope(arrival, known, 'known')
    }
    if (!isWelcome(arrival) || !isBrowser(request)) return passing()
    const visitor = visitors.issue()
    const isHere = isSignedIn(options, request)
    await writeCookie(visitors, response, isHere ? { ...visitor, hasSignedIn: true } : visitor)
    return new Scope(arrival, visitor, 'new')
  } catch (error) {
    report(options, error)
    return passing()
  }
}

/** Whether whoever came may be given a cookie. */
function isWelcome({ isSign, consent }: Arrival): boolean {
  return isSign && consent === 'granted'
}

function isSignedIn(options: DamsonOptions, request: IncomingMessage): boolean {
  return safely(options, null, () => options.identify?.(request)) != null
}

function visitorsOf({ cookie, secrets = [], clock }: DamsonOptions): Visitors | null {
  return cookie === false ? null : createVisitors({ secrets, cookie, clock })
}
