import type { z } from 'zod'
import type { ContentProblem } from './check.ts'
import { contentSchema } from './schema.ts'
import type { ContentSource } from './source.ts'

export type ContentRead =
  | { readonly ok: true; readonly content: ContentSource }
  | { readonly ok: false; readonly problems: readonly ContentProblem[] }

/** Reads what somebody wrote down as content: whether it has the right shape. Whether it holds, `planContent` says. */
export function readContent(value: unknown): ContentRead {
  const parsed = contentSchema.safeParse(value)
  return parsed.success
    ? { ok: true, content: parsed.data }
    : { ok: false, problems: parsed.error.issues.flatMap(problemsOfIssue) }
}

/** What the schema says, in our words. */
export function problemsOfIssue(issue: z.core.$ZodIssue): readonly ContentProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], reason: `expected no field '${key}' here` }))
  // Of a name that may not be one, the reason is inside.
  const reason = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  return [{ path, reason }]
}
