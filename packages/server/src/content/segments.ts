import { ExpressionError, matchesEveryone, segmentOf } from './audience/index.ts'
import type { Content } from './snapshot.ts'

type Audiences = Pick<Content, 'audiences'>

/** What is wrong with a segment, with its place; `null` if nothing is. */
export function segmentProblem(segment: string, { audiences }: Audiences): string | null {
  const unknown: string[] = []
  try {
    segmentOf(segment, (name) => audiences.get(name) ?? (unknown.push(name), matchesEveryone))
  } catch (error) {
    if (error instanceof ExpressionError) return error.message.split('\n', 1)[0]!
    throw error
  }
  return unknown.length === 0 ? null : `expected an audience of this app, and found '${unknown[0]}'`
}
