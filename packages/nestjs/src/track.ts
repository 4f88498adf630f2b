import type { EventContract, Params } from '@damson/core'
import { Logger } from '@nestjs/common'
import { isObservable, type Observable, tap } from 'rxjs'
import { currentVisit } from './scope.ts'
import { DEFAULT_NAME } from './tokens.ts'

/** A value, or how to tell it from what the method returned and was given. */
type Told<T, R> = T | ((result: R, ...args: never[]) => T | undefined)

export interface TrackOptions<R, P extends object = Params> {
  readonly params?: Told<P, R>
  readonly value?: Told<number, R>
  /** ISO 4217, of `value`. */
  readonly currencyCode?: Told<string, R>
  /** Of several clients, which. */
  readonly client?: string
}

type Method = (this: unknown, ...args: never[]) => unknown
type TrackedMethod<R> = (...args: never[]) => R | Promise<R> | Observable<R>

/** Decorates a method: `T` is checked to return what the options expect. */
export type TrackDecorator<R> = <T extends TrackedMethod<R>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void

/**
 * Tracks an event each time the method has done its work: not when it threw, and of an Observable when it completes. For
 * handlers and for methods of services alike, on behalf of the present visitor.
 */
export function Track<R = unknown>(event: string, options: TrackOptions<R> = {}): TrackDecorator<R> {
  const warn = warnOnce(event)
  return (_target, _key, descriptor) => {
    const method = descriptor.value as Method | undefined
    if (method === undefined) return
    const submit = (visit: ReturnType<typeof currentVisit>, result: unknown, args: readonly unknown[]) => {
      if (visit === undefined) return warn()
      try {
        const { params, value, currencyCode } = options
        const tell = <T>(told: Told<T, R> | undefined) =>
          typeof told === 'function' ? (told as (...given: unknown[]) => T | undefined)(result, ...args) : told
        const rest = { value: tell<number>(value), currencyCode: tell<string>(currencyCode) }
        visit.tracker?.track(event, tell<Params>(params), withoutUndefined(rest)).catch(visit.onError)
      } catch (error) {
        visit.onError(error)
      }
    }
    const tracked: Method = function (...args) {
      // Whose work it is, is settled when it begins.
      const visit = currentVisit(options.client ?? DEFAULT_NAME)
      return afterwards(method.apply(this, args), (result) => submit(visit, result, args))
    }
    Object.assign(descriptor, { value: disguised(tracked, method) })
  }
}

/** `Track` for declared events: `const Track = trackFor(events)`; a wrong name or parameter is then a compile error. */
export function trackFor<E extends object>(_events: EventContract<E>) {
  return Track as unknown as <N extends keyof E & string, R = unknown>(
    event: N,
    options: TrackOptions<R, E[N] & object>,
  ) => TrackDecorator<R>
}

/** Hands on what a method returned, and tells when it is really done. */
function afterwards(returned: unknown, done: (result: unknown) => void): unknown {
  if (isObservable(returned)) {
    let last: unknown
    return returned.pipe(tap({ next: (each) => (last = each), complete: () => done(last) }))
  }
  if (returned instanceof Promise) return afterPromise(returned, done)
  done(returned)
  return returned
}

async function afterPromise(returned: Promise<unknown>, done: (result: unknown) => void): Promise<unknown> {
  const result = await returned
  done(result)
  return result
}

/** Nest keeps routes and the like with the function itself: whatever stood below `@Track` must be found on ours. */
function disguised(tracked: Method, method: Method): Method {
  const { getMetadataKeys, getMetadata, defineMetadata } = Reflect as unknown as ReflectMetadata
  for (const key of getMetadataKeys(method)) defineMetadata(key, getMetadata(key, method), tracked)
  for (const property of ['name', 'length'] as const)
    Object.defineProperty(tracked, property, { value: method[property], configurable: true })
  return tracked
}

/** What `reflect-metadata`, which Nest loads, adds to `Reflect`. */
interface ReflectMetadata {
  getMetadataKeys(target: object): readonly unknown[]
  getMetadata(key: unknown, target: object): unknown
  defineMetadata(key: unknown, value: unknown, target: object): void
}

function warnOnce(event: string): () => void {
  let isSaid = false
  return () => {
    if (!isSaid)
      new Logger('Damson').warn(
        `@Track('${event}') ran where there is no visitor (a job?): nothing is tracked. Use damson.for(identity).track().`,
      )
    isSaid = true
  }
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
