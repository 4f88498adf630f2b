import { expect, test } from 'vitest'
import { clientWorld } from './client-world.ts'
import { openTelemetry, type OpenTelemetryApi } from './telemetry.ts'

/** Remembers what it is told, in the shape of `@opentelemetry/api`. */
function recordingApi() {
  const spans: { name: string; attributes: Record<string, unknown>; status?: unknown; ended: boolean }[] = []
  const added: [string, number, unknown][] = []
  let observed: (() => number) | null = null
  const api: OpenTelemetryApi = {
    SpanKind: { CLIENT: 2 },
    SpanStatusCode: { ERROR: 2 },
    trace: {
      getTracer: () => ({
        startSpan(name, { attributes }) {
          const span: (typeof spans)[number] = { name, attributes: { ...attributes }, ended: false }
          spans.push(span)
          return {
            setAttributes: (more) => Object.assign(span.attributes, more),
            setStatus: (status) => (span.status = status),
            end: () => void (span.ended = true),
          }
        },
      }),
    },
    metrics: {
      getMeter: () => ({
        createCounter: (name) => ({ add: (value, attributes) => void added.push([name, value, attributes]) }),
        createObservableGauge: () => ({
          addCallback: (observe) => {
            observed = () => {
              let seen = -1
              observe({ observe: (value) => (seen = value) })
              return seen
            }
          },
        }),
      }),
    },
  }
  return { api, spans, added, pending: () => observed?.() }
}

test('each request is a span, and what became of its actions is counted', async () => {
  const { api, spans, added, pending } = recordingApi()
  const { client, ada, server, timers } = clientWorld({ telemetry: openTelemetry(api) })
  server.fail(503)
  await ada.track('a')
  await ada.track('b')
  expect(pending()).toBe(2)
  const flushed = client.flush()
  await timers.advance(10_000)
  await flushed
  expect(pending()).toBe(0)
  expect(spans).toEqual([
    {
      name: 'damson multi',
      attributes: {
        'damson.actions': 2,
        'http.response.status_code': 503,
        'damson.delivered': 0,
        'damson.retried': 2,
      },
      status: { code: 2, message: 'HTTP 503' },
      ended: true,
    },
    {
      name: 'damson multi',
      attributes: {
        'damson.actions': 2,
        'http.response.status_code': 200,
        'damson.delivered': 2,
        'damson.retried': 0,
      },
      ended: true,
    },
  ])
  expect(added).toEqual([
    ['damson.client.retried', 2, { kind: 'failed' }],
    ['damson.client.delivered', 2, undefined],
  ])
})

test('debug mode explains each decision to the logger', async () => {
  const said: string[] = []
  const logger = { debug: (message: string) => void said.push(message), warn: () => undefined, error: () => undefined }
  const { client, ada } = clientWorld({ debug: true, logger, autoStart: true })
  await ada.track('a')
  await ada.heartbeat()
  await client.flush()
  expect(said).toEqual(['damson: no open session is known', 'damson: no heartbeat needed', 'damson: request'])
})
