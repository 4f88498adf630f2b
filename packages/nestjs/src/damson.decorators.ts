import { DamsonError, type MirroredSession, type Tracker } from '@damson/core'
import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { carrierOf } from './carrier.ts'
import { currentVisit, visitWith, type Visit } from './scope.ts'
import { DEFAULT_NAME } from './tokens.ts'

/** The tracker of the present visitor, or `null` where nobody is known. Takes the name of a client. */
export const CurrentTracker = createParamDecorator(
  (name: string | undefined, context: ExecutionContext): Tracker | null => visitIn(context, name).tracker,
)

/** The session of the present visitor as far as this process knows, or `null`. Takes the name of a client. */
export const CurrentSession = createParamDecorator(
  (name: string | undefined, context: ExecutionContext): MirroredSession | null =>
    visitIn(context, name).tracker?.session ?? null,
)

/** @throws {DamsonError} NO_VISIT: the interceptor was not there. */
function visitIn(context: ExecutionContext, name: string = DEFAULT_NAME): Visit {
  const { request, kind } = carrierOf(context)
  const visit = currentVisit(name) ?? (request === null ? undefined : visitWith(request, name))
  if (visit !== undefined) return visit
  throw new DamsonError(
    'NO_VISIT',
    `@CurrentTracker() and @CurrentSession() found nothing of the client "${name}": its interceptor has not run for this ` +
      `${kind} handler. ${WAY_OUT[kind]}`,
  )
}

const IMPORT = 'Import DamsonModule.forRoot(…), or add @UseInterceptors(DamsonInterceptor) if you switched it off.'
const WAY_OUT = {
  http: IMPORT,
  graphql: IMPORT,
  ws: 'Let the gateway extend DamsonGateway, or add @UseInterceptors(DamsonInterceptor): NestJS 11 runs no global ones there.',
  rpc: 'A hybrid application needs connectMicroservice(…, { inheritAppConfig: true }).',
} as const
