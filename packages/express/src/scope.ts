import {
  consentFromHeaders,
  type Client,
  type Consent,
  type Identity,
  type Tracker,
  type TrackerOptions,
} from '@damson/core'
import { handOver, type BeaconRequest, type Visitor, type Visitors } from '@damson/core/web'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { writeCookie } from './cookie.ts'
import { warnOnce, type DamsonOptions } from './options.ts'

/** A request as it comes in, before it is known whose it is. */
export interface Arrival {
  readonly client: Client
  readonly options: DamsonOptions
  /** None where there are no cookies. */
  readonly visitors: Visitors | null
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly consent: Consent
  /** Whether it tells that somebody is there. */
  readonly isSign: boolean
  /** Whether it is a page's beacon. */
  readonly isMessage: boolean
}

/** `known` brought a cookie of ours, `new` was just given one, `passing` will not come back as the same. */
export type Standing = 'known' | 'new' | 'passing'

/** What we hold for one request. A class because there is one for each: its methods exist once. */
export class Scope {
  readonly arrival: Arrival
  readonly standing: Standing
  readonly #visitor: Visitor
  #tracker: Tracker | null = null
  /** Whoever was signed in last: a route may sign out first and tell us then. */
  #lastUserId: string | null = null
  #handedOverTo: string | null = null
  hasLoggedOut = false

  constructor(arrival: Arrival, visitor: Visitor, standing: Standing) {
    this.arrival = arrival
    this.standing = standing
    this.#visitor = visitor
    this.#userId()
  }

  /** Whether the next request of the same person will be known as theirs. */
  get isAnybody(): boolean {
    return this.standing !== 'passing' || this.#userId() !== null || this.#ownDeviceId() !== null
  }

  /** Of whoever the request belongs to by now: signing in or out in a route changes it. */
  tracker(): Tracker {
    return this.#trackerOf(this.#userId())
  }

  identity(userId = this.#userId()): Identity {
    const { deviceId } = this.#visitor
    const own = this.#ownDeviceId() ?? undefined
    if (userId === null) return { deviceId: own ?? deviceId }
    // A program that signs in with each request would else be a new device each time.
    return { userId, deviceId: own ?? (this.standing === 'passing' ? undefined : deviceId) }
  }

  /** What the beacon's handler asks. A visitor without a cookie is nobody yet. */
  forBeacon(): Pick<BeaconRequest, 'visitor' | 'userId' | 'consent' | 'userAgent' | 'waitUntil'> {
    const visitor = this.#visitor
    const deviceId = this.#ownDeviceId() ?? (this.standing === 'passing' ? null : visitor.deviceId)
    return {
      visitor: deviceId === null ? null : { ...visitor, deviceId },
      userId: this.#userId(),
      ...this.#trackerOptions(),
    }
  }

  /** A device that is signed out is a stranger's: whoever comes next may be somebody else. */
  async logout(): Promise<void> {
    this.hasLoggedOut = true
    const { options, visitors, response } = this.arrival
    try {
      await this.#trackerOf(this.#lastUserId).stop({ urgent: true })
      if (visitors !== null && this.standing !== 'passing') await writeCookie(visitors, response, visitors.issue())
    } catch (error) {
      report(options, error)
    }
  }

  #trackerOf(userId: string | null): Tracker {
    if (userId !== null) this.#handOver(userId)
    const identity = this.identity(userId)
    const made = this.#tracker
    if (made !== null && made.userId === identity.userId && made.deviceId === identity.deviceId) return made
    this.#tracker = this.#make(identity)
    return this.#tracker
  }

  /** Before anything is tracked for somebody who has just signed in. */
  #handOver(userId: string): void {
    const { client, options } = this.arrival
    const visitor = this.#visitor
    // Of a new visitor there is nothing yet to hand over.
    if (this.standing !== 'known' || visitor.hasSignedIn === true || this.#handedOverTo === userId) return
    this.#handedOverTo = userId
    handOver(client, visitor, userId, this.#trackerOptions()).catch((error: unknown) => report(options, error))
  }

  #make(identity: Identity): Tracker {
    const { client, options } = this.arrival
    try {
      return client.for(identity, this.#trackerOptions())
    } catch (error) {
      // An id the server would refuse. The route goes on, and what it tracks is the visitor's.
      report(options, error)
      return client.for({ deviceId: this.#visitor.deviceId }, this.#trackerOptions())
    }
  }

  #trackerOptions(): TrackerOptions & { readonly consent: Consent } {
    const { options, request, consent } = this.arrival
    return {
      // What a route decided holds for the rest of the request, whoever signs in.
      consent: this.#tracker?.consent ?? consent,
      userAgent: request.headers['user-agent'],
      ...(options.waitUntil && { waitUntil: options.waitUntil }),
    }
  }

  #userId(): string | null {
    const { options, request } = this.arrival
    const userId = safely(options, null, () => options.identify?.(request)) ?? null
    if (userId !== null) this.#lastUserId = userId
    return userId
  }

  #ownDeviceId(): string | null {
    const { options, request } = this.arrival
    if (options.deviceId === undefined) return null
    return safely(options, null, () => options.deviceId?.(request)) ?? null
  }
}

/** The client's own default holds for browsers that do not object. */
export function consentOf(options: DamsonOptions, request: IncomingMessage): Consent {
  const { consent } = options
  return safely(options, 'denied', () =>
    consent === undefined ? consentFromHeaders(request.headers) : consent(request),
  )
}

/** Calls what the host gave us: if it throws, that is reported and `otherwise` holds. */
export function safely<T>(options: DamsonOptions, otherwise: T, call: () => T): T {
  try {
    return call()
  } catch (error) {
    report(options, error)
    return otherwise
  }
}

/** Even `onError` may throw; then there is nobody left to tell but the process. */
export function report({ onError = warnOnce }: DamsonOptions, error: unknown): void {
  try {
    onError(error)
  } catch (second) {
    warnOnce(second)
  }
}
