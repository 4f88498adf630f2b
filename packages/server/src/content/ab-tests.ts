import { DAY_MS, type EpochMs, SECOND_MS } from '@damson/core'
import type { Content, Test, Variant } from './snapshot.ts'
import type { Json } from './source.ts'

/** @source assumed: specification 8.13, "recently finished" */
const RECENT_MS = 30 * DAY_MS

/** An A/B test as the API tells of it (specification 8.13). Instants are seconds. */
export function toldTest(test: Test, now: EpochMs): Readonly<Record<string, unknown>> {
  const { name, state, createdAt, updatedAt, finishedAt, chosenVariant, sticky, ...source } = test.source
  const { publishedBy, createdBy } = source
  return {
    id: test.id,
    name,
    active: isActive(test, now),
    state,
    created: createdAt / SECOND_MS,
    updated: updatedAt / SECOND_MS,
    ...(finishedAt !== undefined && { finished: finishedAt / SECOND_MS }),
    ...(chosenVariant !== undefined && { chosenVariant }),
    targetingSticky: sticky ?? false,
    variants: test.variants.map((variant) => toldVariant(test, variant)),
    details: { ...(publishedBy !== undefined && { publishedBy }), ...(createdBy !== undefined && { createdBy }) },
  }
}

export function toldVariant(test: Test, { id, name, weight, leaves }: Variant): Readonly<Record<string, Json>> {
  const whole = test.variants.reduce((sum, one) => sum + one.weight, 0)
  const percent = whole === 0 ? 0 : ((test.source.percent ?? 100) * weight) / whole
  return { id, name, percent, variables: leaves.map(([name, value]) => ({ name, value })) }
}

/** The tests a caller may see. `recent`: those that run, or ended not long ago. */
export function visibleTests(
  { tests }: Content,
  { includeDrafts, recent }: { readonly includeDrafts: boolean; readonly recent: boolean },
  now: EpochMs,
): readonly Test[] {
  return tests.filter(({ source: { state, finishedAt = 0 }, endAt }) => {
    if (state === 'draft') return includeDrafts
    const end = state === 'finished' ? Math.min(finishedAt, endAt) : endAt
    return !recent || end > now - RECENT_MS
  })
}

function isActive({ source, startAt, endAt }: Test, now: EpochMs): boolean {
  return source.state === 'running' && startAt <= now && now < endAt
}
