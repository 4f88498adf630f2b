import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { StoreUnusableError } from '../errors.ts'
import { THREAD_FLAGS, threadFile } from './thread-file.ts'

/**
 * Reads every page of a database file that nobody has open, and checks that what refers to something finds it. The file
 * is not changed.
 * @throws {StoreUnusableError} saying what is wrong with it
 */
export async function checkDatabase(file: string, driver?: string): Promise<void> {
  const worker = new Worker(threadFile('inspect.mjs'), { workerData: { file, driver }, execArgv: THREAD_FLAGS })
  const [problem] = (await once(worker, 'message')) as [string | null]
  await worker.terminate()
  if (problem !== null)
    throw new StoreUnusableError(`Expected ${file} to be a whole Damson database, but it is not: ${problem}.`, null)
}
