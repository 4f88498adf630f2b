import type { Clock } from '@damson/core'
import { encodeElements } from '@damson/core/protocol'
import { DEFAULT_SESSION_RULES, type SessionRules } from '@damson/core/session'
import type { RunningEngine } from '../engine/engine.ts'
import { exportResults } from '../engine/handlers/exports.ts'
import type { Job } from '../engine/job.ts'
import type { Logger } from '../logger.ts'
import type { BucketService } from '../services/bucket.ts'
import type { Egress } from '../services/egress.ts'
import type { Sealer } from '../services/sealing.ts'
import type { Files } from '../store/files.ts'
import type { Store } from '../store/store.ts'
import { copyToBucket } from './copy-to-bucket.ts'
import { campaignType } from './campaign.ts'
import { createCampaignPlanner } from './campaign-planner.ts'
import { exportDataType } from './export-data.ts'
import { exportReportType } from './export-report.ts'
import { exportUsersType } from './export-users.ts'
import { multiType } from './multi.ts'
import { createJobRunner, type JobRunner } from './runner.ts'

/** Where the numbers that bound jobs differ from ours. */
export interface JobOptions {
  /** How long a job stays with a node that says nothing. Milliseconds. */
  readonly leaseMs?: number
  /** A file of an export is ended when it has this many bytes. */
  readonly partBytes?: number
  /** What goes to a bucket is sent in parts of this size; S3 wants 5 MiB or more. Bytes. */
  readonly bucketPartBytes?: number
  /** So many rows of an import share one file of answers. */
  readonly rowsPerFile?: number
}

export interface JobsOptions extends JobOptions {
  readonly store: Store
  readonly files: Files
  readonly clock: Clock
  readonly logger: Logger
  readonly engine: Pick<RunningEngine, 'apps' | 'performImport' | 'campaignsOf' | 'sendCampaign'>
  readonly rules?: SessionRules
  readonly availabilityMs: number
  readonly egress: Egress
  /** Opens what is kept sealed; `null` if nothing is. */
  readonly sealer: Pick<Sealer, 'open'> | null
  /** Where copies of exports go. */
  readonly bucketService: BucketService
}

/** The runner with every type of job there is. */
export function createJobs(options: JobsOptions): JobRunner {
  const { store, files, clock, logger, engine, egress, rules = DEFAULT_SESSION_RULES, leaseMs } = options
  const { availabilityMs, partBytes, rowsPerFile, sealer, bucketService: service, bucketPartBytes } = options
  const copying = {
    files,
    egress,
    sealer,
    service,
    ...(bucketPartBytes !== undefined && { partBytes: bucketPartBytes }),
  }

  function appNumber(appId: string): number {
    const app = engine.apps().find((one) => one.appId === appId)
    if (app === undefined) throw new Error(`Expected the app '${appId}' of a job to be there.`)
    return app.number
  }

  async function notify(url: string, job: Job): Promise<void> {
    const body = encodeElements([{ outcome: exportResults(job), reqId: undefined }])
    const { status } = await egress(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (status >= 500) throw new Error(`Expected the callback to be taken, found status ${status}.`)
  }

  return createJobRunner({
    store,
    clock,
    logger,
    notify,
    plan: createCampaignPlanner({ store, engine, clock, logger }),
    removeFile: (name) => files.remove(name),
    types: {
      exportData: exportDataType({
        store,
        files,
        rules,
        availabilityMs,
        appNumber,
        copy: (task, progress) => copyToBucket(copying, task, progress),
        ...(partBytes !== undefined && { partBytes }),
      }),
      exportUsers: exportUsersType({ store, files, appNumber }),
      exportReport: exportReportType({ store, rules }),
      campaign: campaignType({ store, engine, clock }),
      multi: multiType({
        files,
        egress,
        appNumber,
        perform: (appId, actions) => engine.performImport(appId, actions),
        ...(rowsPerFile !== undefined && { rowsPerFile }),
      }),
    },
    ...(leaseMs !== undefined && { leaseMs }),
  })
}
