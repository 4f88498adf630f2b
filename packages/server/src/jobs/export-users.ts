import { type Matches, matchesEveryone, segmentOf } from '../content/audience/index.ts'
import { type Content, compileContent, contentKind } from '../content/snapshot.ts'
import { exportedAttribute } from '../engine/export-user.ts'
import { exportFile, type FilesResult, type UsersJob } from '../engine/export-jobs.ts'
import type { Profile } from '../engine/profile.ts'
import { row } from '../engine/record-csv.ts'
import type { Files } from '../store/files.ts'
import type { Store } from '../store/store.ts'
import { createPartWriter } from './part-writer.ts'
import { JobRefusedError, type JobType, type Task } from './runner.ts'

export interface ExportUsersOptions {
  readonly store: Pick<Store, 'profiles' | 'documents'>
  readonly files: Files
  appNumber(appId: string): number
}

/** `exportUsers`: one CSV file of user ids; a crash costs the whole of it, for it is small. */
export function exportUsersType({ store, files, appNumber }: ExportUsersOptions): JobType {
  async function run({ appId, job, signal }: Task<UsersJob>): Promise<FilesResult> {
    const { fileKey, userAttribute } = job.request
    const lineOf = liner(job.request, compileContent((await store.documents(appId, contentKind.name)).documents))
    const writer = createPartWriter(files, exportFile(appNumber(appId), fileKey, '-0'))
    try {
      const ofTest = job.request.abTestId === null ? [] : ['variantId', 'variantName']
      await writer.write(row(['userId', ...ofTest, ...(userAttribute === null ? [] : [userAttribute])]))
      for await (const profile of store.profiles(appId)) {
        signal.throwIfAborted()
        const line = lineOf(profile)
        if (line !== null) await writer.write(row(line))
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

/** What a user's line holds; `null` if the user is not among those who are asked for. */
function liner(request: UsersJob['request'], content: Content): (profile: Profile) => readonly unknown[] | null {
  const { userAttribute, audienceName, abTestId, segment = null, at } = request
  const isInAudience = audienceName === null ? matchesEveryone : audienceIn(content, audienceName)
  const isInSegment = segment === null ? matchesEveryone : segmentOf(segment, (name) => audienceIn(content, name))
  const test = content.tests.find(({ id }) => id === abTestId)

  return (profile) => {
    const { userId, attributes, variants, blocked } = profile
    if (blocked || !isInAudience(profile, at) || !isInSegment(profile, at)) return null
    const line: unknown[] = [userId]
    if (abTestId !== null) {
      const given = Object.hasOwn(variants, abTestId) ? variants[abTestId] : undefined
      if (given === undefined) return null
      line.push(given.variantId, test?.byId.get(given.variantId)?.name)
    }
    if (userAttribute === null) return line
    const value = Object.hasOwn(attributes, userAttribute) ? attributes[userAttribute] : undefined
    return value === undefined ? null : [...line, exportedAttribute(value)]
  }
}

/** Trying again does not bring back what was deleted since the job was made. */
function audienceIn({ audiences }: Content, name: string): Matches {
  const matches = audiences.get(name)
  if (matches === undefined) throw new JobRefusedError(`The audience '${name}' was deleted before the export ran.`)
  return matches
}
