import {
  consentFromHeaders,
  type Client,
  type Consent,
  type Identity,
  type Tracker,
  type TrackerOptions,
} from '@damson/core'
import { handOver, headersOf, type BeaconRequest, type Visitor } from '@damson/core/web'
import type { IncomingMessage } from 'node:http'
import { warnOnce, type DamsonOptions } from './options.ts'

export interface ScopeParts {
  readonly client: Client
  readonly options: DamsonOptions
  readonly request: IncomingMessage
  readonly visitor: Visitor
  /** `known` brought a cookie of ours, `new` was just given one, `passing` will not come back as the same. */
  readonly standing: 'known' | 'new' | 'passing'
  readonly consent: Consent
  /** Replaces the visitor's cookie by a stranger's; none where there is no cookie. */
  readonly forget: (() => Promise<void>) | null
}

/** What we hold for one request. A class because there is one for each: its methods exist once. */
export class Scope {
  readonly #parts: ScopeParts
  #tracker: Tracker | null = null
  /** Whoever was signed in last: a route may sign out first and tell us then. */
  #lastUserId: string | null = null
  #handedOverTo: string | null = null
  hasLoggedOut = false

  constructor(parts: ScopeParts) {
    this.#parts = parts
    this.#userId()
  }

  get standing(): ScopeParts['standing'] {
    return this.#parts.standing
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
    const { visitor, standing } = this.#parts
    const deviceId = this.#ownDeviceId() ?? undefined
    if (userId === null) return { deviceId: deviceId ?? visitor.deviceId }
    // A program that signs in with each request would else be a new device each time.
    return { userId, deviceId: deviceId ?? (standing === 'passing' ? undefined : visitor.deviceId) }
  }

  /** What the beacon's handler asks. A visitor without a cookie is nobody yet. */
  forBeacon(): Pick<BeaconRequest, 'visitor' | 'userId' | 'consent' | 'userAgent' | 'waitUntil'> {
    const { visitor, standing } = this.#parts
    const deviceId = this.#ownDeviceId() ?? (standing === 'passing' ? null : visitor.deviceId)
    return {
      visitor: deviceId === null ? null : { ...visitor, deviceId },
      userId: this.#userId(),
      ...this.#trackerOptions(),
    }
  }

  /** A device that is signed out is a stranger's: whoever comes next may be somebody else. */
  async logout(): Promise<void> {
    this.hasLoggedOut = true
    const { options, forget } = this.#parts
    try {
      await this.#trackerOf(this.#lastUserId).stop({ urgent: true })
      await forget?.()
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
    const { client, options, visitor, standing } = this.#parts
    // Of a new visitor there is nothing yet to hand over.
    if (standing !== 'known' || visitor.hasSignedIn === true || this.#handedOverTo === userId) return
    this.#handedOverTo = userId
    handOver(client, visitor, userId, this.#trackerOptions()).catch((error: unknown) => report(options, error))
  }

  #make(identity: Identity): Tracker {
    const { client, options, visitor } = this.#parts
    try {
      return client.for(identity, this.#trackerOptions())
    } catch (error) {
      // An id the server would refuse. The route goes on, and what it tracks is the visitor's.
      report(options, error)
      return client.for({ deviceId: visitor.deviceId }, this.#trackerOptions())
    }
  }

  #trackerOptions(): TrackerOptions & { readonly consent: Consent } {
    const { options, request, consent } = this.#parts
    return {
      // What a route decided holds for the rest of the request, whoever signs in.
      consent: this.#tracker?.consent ?? consent,
      userAgent: headersOf(request.headers).get('user-agent') ?? undefined,
      ...(options.waitUntil && { waitUntil: options.waitUntil }),
    }
  }

  #userId(): string | null {
    const { options, request } = this.#parts
    const userId = safely(options, null, () => options.identify?.(request)) ?? null
    if (userId !== null) this.#lastUserId = userId
    return userId
  }

  #ownDeviceId(): string | null {
    const { options, request } = this.#parts
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
