import { DamsonError } from '@damson/core'
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { addressRanges, isPublicUnicast, normaliseAddress } from './addresses.ts'

/** Which destinations may be reached. */
export interface VettingOptions {
  /** CIDR ranges, `loopback` or `private`: destinations that may be called although they are not public. */
  readonly allowPrivateDestinations?: readonly string[]
  /** CIDR ranges that are never called, public and allowed ones included. */
  readonly denyDestinations?: readonly string[]
  /** All addresses of a name. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
}

/** The addresses of a host, every one of which may be called; a literal address is its own only answer. */
export type Vet = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>

/** Azure answers secrets on this address, and it looks public. @source documented: security.md, Egress */
const ALWAYS_DENIED = ['168.63.129.16']

/**
 * Resolves a destination once, and refuses it unless every answer is public unicast, or allowed.
 * The returned function throws {DamsonError} EGRESS_REFUSED, or EGRESS_FAILED (retryable) if there is no answer.
 */
export function createVet(options: VettingOptions): Vet {
  const { resolve = allAnswers } = options
  const allowed = addressRanges(options.allowPrivateDestinations ?? [])
  const denied = addressRanges([...ALWAYS_DENIED, ...(options.denyDestinations ?? [])])
  const mayCall = (address: string) =>
    !denied.contains(address) && (isPublicUnicast(address) || allowed.contains(address))
  return async (hostname, signal) => {
    const answers = isIP(hostname) === 0 ? await orAborted(resolve(hostname), hostname, signal) : [hostname]
    if (answers.length === 0) throw failed(hostname, new Error('The name has no address.'))
    const forbidden = answers.find((answer) => !mayCall(answer))
    if (forbidden !== undefined) throw refused('a public destination', `${hostname} at ${forbidden}`)
    return answers
  }
}

/** @returns what is wrong with the address that a socket reached; `null` if it is one of those that were vetted */
export function strayed(hostname: string, vetted: readonly string[], remoteAddress: string | undefined) {
  const reached = normaliseAddress(remoteAddress ?? '')
  if (vetted.some((address) => normaliseAddress(address) === reached)) return null
  return refused('one of the addresses that were vetted', `${hostname} at ${reached}`)
}

/** Stands in for the resolver of the socket, so that no name is resolved a second time. */
export function answering(vetted: readonly string[]): LookupFunction {
  const answers = vetted.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, answers)
    else callback(null, answers[0]?.address ?? '', answers[0]?.family)
  }
}

/** As `getaddrinfo` has them: hosts file, search domains and all. */
async function allAnswers(hostname: string): Promise<readonly string[]> {
  const answers = await lookup(hostname, { all: true })
  return answers.map(({ address }) => address)
}

/** A resolver cannot be stopped; its late answer is nobody's any more. */
async function orAborted<T>(work: Promise<T>, hostname: string, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(signal.reason)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } catch (cause) {
    throw failed(hostname, cause)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

export function refused(expected: string, found: string): DamsonError {
  const wayOut = 'An operator may open private ranges with allowPrivateDestinations and http with allowHttp.'
  return new DamsonError('EGRESS_REFUSED', `Expected ${expected}, found ${found}. ${wayOut}`)
}

export function failed(hostname: string, cause: unknown): DamsonError {
  return new DamsonError('EGRESS_FAILED', `Calling ${hostname} failed.`, { isRetryable: true, cause })
}
