import type { SessionRules } from '@damson/core/session'
import { matchesEveryone } from '../content/audience/index.ts'
import { type Content, compileContent, contentKind } from '../content/snapshot.ts'
import type { ReportJob, ReportRequest, ReportResult } from '../engine/export-jobs.ts'
import { histories, type History } from '../engine/histories.ts'
import type { Assignment } from '../engine/profile.ts'
import type { EventLine } from '../engine/record.ts'
import type { Store } from '../store/store.ts'
import { JobRefusedError, type JobType, type Task } from './runner.ts'
import { DailyTally } from './tally.ts'
import { TestTally } from './test-tally.ts'

export interface ExportReportOptions {
  readonly store: Pick<Store, 'owners' | 'entries' | 'documents'>
  readonly rules: SessionRules
}

/**
 * `exportReport`: how often each event happened on each day, to how many users, and what it was worth. Of an A/B test, only
 * what its users did from the moment they were in it, by variant, and what that says of the variants.
 */
export function exportReportType({ store, rules }: ExportReportOptions): JobType {
  async function run({ appId, job: { request }, signal }: Task<ReportJob>): Promise<ReportResult> {
    const content = compileContent((await store.documents(appId, contentKind.name)).documents)
    const test = testTally(content, request)
    const matches = matcher(content, request)
    const days = new DailyTally()
    for await (const history of histories(store, appId, rules)) {
      signal.throwIfAborted()
      if (!matches(history)) continue
      const given = test === null ? null : assignmentOf(history, request)
      if (test !== null && (given === null || !test.enter(given.variantId))) continue
      const { userId, records } = history
      for (const event of records.flatMap(({ states }) => states.flatMap(({ events }) => events))) {
        if (!isAsked(event, request) || (given !== null && event.at < given.at)) continue
        days.add(userId, event, given?.variantId ?? null)
        if (given !== null) test?.add(userId, event, given.variantId)
      }
    }
    return { data: days.report(), ...(test !== null && { abTestResults: test.results() }) }
  }

  return { run: (task) => run(task as Task<ReportJob>), filesOf: () => [] }
}

function testTally({ tests }: Content, { abTestId = null }: ReportRequest): TestTally | null {
  if (abTestId === null) return null
  const test = tests.find(({ id }) => id === abTestId)
  if (test === undefined) throw new JobRefusedError(`The A/B test ${abTestId} was deleted before the report ran.`)
  return new TestTally(test)
}

/** Whose events count. Of users who are gone nobody knows whether they would be in an audience. */
function matcher({ target }: Content, { of }: ReportRequest): (history: History) => boolean {
  if (of === undefined) return () => true
  const matches = target(of)
  if (matches === matchesEveryone) return () => true
  return ({ profile }) => profile !== null && matches(profile, of.at)
}

/** The variant a user was in before the days asked for had ended. */
function assignmentOf({ profile }: History, { abTestId, to }: ReportRequest): Assignment | null {
  const variants = profile?.variants ?? {}
  const given = Object.hasOwn(variants, String(abTestId)) ? variants[String(abTestId)] : undefined
  return given === undefined || given.at >= to ? null : given
}

function isAsked({ name, at }: EventLine, { from, to, eventNames, messageId }: ReportRequest): boolean {
  if (at < from || at >= to) return false
  if (eventNames !== null && !eventNames.includes(name)) return false
  // Events about a message are called after it (specification 7.2).
  return messageId === null || name === `.m${messageId}` || name.startsWith(`.m${messageId} `)
}
