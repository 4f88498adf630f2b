import { BEACON_SCRIPT, createBeaconHandler, MAX_BEACON_BYTES } from '@damson/core/web'
import { Controller, Get, Header, Inject, Post, Req, Res, UseInterceptors } from '@nestjs/common'
import { QUIET } from './carrier.ts'
import { DamsonInterceptor } from './damson.interceptor.ts'
import type { DamsonService } from './damson.service.ts'
import { currentVisit } from './scope.ts'
import { getDamsonToken } from './tokens.ts'

/** What both platforms hand over. */
interface BeaconRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body?: unknown
  readonly readableDidRead?: boolean
}

/** Takes what `@damson/core/beacon` sends from a page, so that a session lasts as long as somebody looks. */
@Controller('damson')
@UseInterceptors(DamsonInterceptor)
export class DamsonBeaconController {
  /** That a page was hidden is no sign of a person: only the message itself says what it means. */
  static readonly [QUIET] = true
  readonly #damson: DamsonService
  readonly #handle: ReturnType<typeof createBeaconHandler>

  constructor(@Inject(getDamsonToken()) damson: DamsonService) {
    this.#damson = damson
    const onError = (error: unknown) => currentVisit(damson.name)?.onError(error)
    this.#handle = createBeaconHandler({ client: damson.client, onError })
  }

  @Get('beacon.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  @Header('cache-control', 'public, max-age=3600')
  script(): string {
    return BEACON_SCRIPT
  }

  @Post('beacon')
  @Header('cache-control', 'no-store')
  async receive(
    @Req() request: BeaconRequest,
    @Res({ passthrough: true }) response: { status(code: number): unknown },
  ): Promise<void> {
    const { tracker } = this.#damson
    const { status } = await this.#handle({
      method: 'POST',
      headers: request.headers,
      body: await textOf(request),
      visitor: tracker?.deviceId === undefined ? null : { deviceId: tracker.deviceId, issuedAt: 0 },
      userId: tracker?.userId,
      ...(tracker !== null && { consent: tracker.consent }),
    })
    response.status(status)
  }
}

/** Fastify has read the text already; Express leaves it, unless the application has a parser for it. */
async function textOf(request: BeaconRequest): Promise<string> {
  if (typeof request.body === 'string') return request.body
  if (!(Symbol.asyncIterator in request) || request.readableDidRead === true)
    return JSON.stringify(request.body ?? null)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= MAX_BEACON_BYTES) chunks.push(chunk)
    // Leaving the loop cuts the connection; what is only a little too long is answered.
    if (length > 10 * MAX_BEACON_BYTES) break
  }
  // Longer than any beacon: the handler need not see it to say so.
  return length > MAX_BEACON_BYTES ? ' '.repeat(MAX_BEACON_BYTES + 1) : Buffer.concat(chunks).toString()
}
