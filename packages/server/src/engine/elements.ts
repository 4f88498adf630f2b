import type { Outcome } from '@damson/core/protocol'
import type { Run } from './batch.ts'

/** One element of a batch's answer, while it is put together. */
export interface Element {
  outcome: Outcome
  readonly reqId: unknown
}

/** Plays one run; resolves with an outcome for each of its actions when they are durable. */
export type Play = (run: Run) => Promise<readonly Outcome[]>

/**
 * Plays the runs of a chain one after the other, and takes them off it: a long batch that waits for its commit keeps no more
 * of what is done than where its outcomes belong. What stays in memory for a commit costs the collector most.
 */
export function playChain(chain: Run[], play: Play, elements: readonly Element[]): Promise<void> {
  const run = chain.shift()
  if (run === undefined) return Promise.resolve()
  const played = playRun(run, play, elements)
  return chain.length === 0 ? played : played.then(() => playChain(chain, play, elements))
}

function playRun(run: Run, play: Play, elements: readonly Element[]): Promise<void> {
  return fillInAll(
    run.map(({ index }) => elements[index]!),
    play(run),
  )
}

async function fillInAll(elements: readonly Element[], played: Promise<readonly Outcome[]>): Promise<void> {
  const outcomes = await played
  for (let index = 0; index < elements.length; index++) elements[index]!.outcome = outcomes[index]!
}

/** The outcome of an action that concerns no profile. */
export async function fillIn(element: Element, asked: Outcome | Promise<Outcome>): Promise<void> {
  element.outcome = await asked
}
