import type { DropReason } from './action.ts'

/** Watches the pipeline; `openTelemetry` makes one. Called per request and per drop, never per accepted action. */
export interface Telemetry {
  /** A request leaves. @returns called when its verdict is known. */
  request(actions: number): (outcome: RequestOutcome) => void
  dropped(reason: DropReason): void
  /** Asked for whenever measurements are collected. */
  observe(pending: () => number): void
}

export interface RequestOutcome {
  readonly kind: 'answered' | 'failed' | 'split' | 'refused'
  readonly status: number
  readonly delivered: number
  readonly retried: number
  /** Why it was not answered. */
  readonly detail?: string
}

/** The few parts of `@opentelemetry/api` we call: pass the module itself. */
export interface OpenTelemetryApi {
  readonly trace: { getTracer(name: string): Tracer }
  readonly metrics: { getMeter(name: string): Meter }
  readonly SpanKind: { readonly CLIENT: number }
  readonly SpanStatusCode: { readonly ERROR: number }
}

interface Tracer {
  startSpan(name: string, options: { kind: number; attributes: Attributes }): Span
}
interface Span {
  setAttributes(attributes: Attributes): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}
interface Meter {
  createCounter(name: string, options: { description: string }): { add(value: number, attributes?: Attributes): void }
  createObservableGauge(
    name: string,
    options: { description: string },
  ): { addCallback(observe: (result: { observe(value: number): void }) => void): void }
}
type Attributes = Record<string, string | number>

/** Spans per request and counters per outcome, through an injected `@opentelemetry/api`. */
export function openTelemetry(api: OpenTelemetryApi): Telemetry {
  const tracer = api.trace.getTracer('@damson/core')
  const meter = api.metrics.getMeter('@damson/core')
  const delivered = meter.createCounter('damson.client.delivered', { description: 'Actions the server took' })
  const retried = meter.createCounter('damson.client.retried', { description: 'Actions that will be sent again' })
  const drops = meter.createCounter('damson.client.dropped', { description: 'Actions that will never arrive' })
  return {
    request(actions) {
      const span = tracer.startSpan('damson multi', {
        kind: api.SpanKind.CLIENT,
        attributes: { 'damson.actions': actions },
      })
      return (outcome) => {
        span.setAttributes({
          'http.response.status_code': outcome.status,
          'damson.delivered': outcome.delivered,
          'damson.retried': outcome.retried,
        })
        if (outcome.kind !== 'answered') {
          span.setStatus({ code: api.SpanStatusCode.ERROR, message: outcome.detail ?? outcome.kind })
        }
        span.end()
        if (outcome.delivered > 0) delivered.add(outcome.delivered)
        if (outcome.retried > 0) retried.add(outcome.retried, { kind: outcome.kind })
      }
    },
    dropped: (reason) => drops.add(1, { reason }),
    observe(pending) {
      meter
        .createObservableGauge('damson.client.pending', { description: 'Actions accepted and not yet delivered' })
        .addCallback((result) => result.observe(pending()))
    },
  }
}
