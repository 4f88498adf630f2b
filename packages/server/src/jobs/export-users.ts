import { exportedAttribute } from '../engine/export-user.ts'
import { exportFile, type FilesResult, type UsersJob } from '../engine/export-jobs.ts'
import { row } from '../engine/record-csv.ts'
import type { Files } from '../store/files.ts'
import type { Store } from '../store/store.ts'
import { createPartWriter } from './part-writer.ts'
import type { JobType, Task } from './runner.ts'

export interface ExportUsersOptions {
  readonly store: Pick<Store, 'profiles'>
  readonly files: Files
  appNumber(appId: string): number
}

/** `exportUsers`: one CSV file of user ids; a crash costs the whole of it, for it is small. */
export function exportUsersType({ store, files, appNumber }: ExportUsersOptions): JobType {
  async function run({ appId, job, signal }: Task<UsersJob>): Promise<FilesResult> {
    const { fileKey, userAttribute } = job.request
    const writer = createPartWriter(files, exportFile(appNumber(appId), fileKey, '-0'))
    try {
      await writer.write(row(userAttribute === null ? ['userId'] : ['userId', userAttribute]))
      for await (const { userId, attributes, blocked } of store.profiles(appId)) {
        signal.throwIfAborted()
        if (blocked) continue
        if (userAttribute === null) {
          await writer.write(row([userId]))
        } else if (Object.hasOwn(attributes, userAttribute)) {
          const value = attributes[userAttribute]
          await writer.write(row([userId, value === undefined ? value : exportedAttribute(value)]))
        }
      }
      await writer.end()
    } catch (error) {
      await writer.abandon(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    return { files: [writer.name] }
  }

  return {
    run: (task) => run(task as Task<UsersJob>),
    filesOf: (job) => (job.result as FilesResult | null)?.files ?? [],
  }
}
