import { readContent } from '../content/read-content.ts'
import type { Server } from '../server.ts'
import { chosenApp } from './chosen-app.ts'
import { brokenContent, readContentFiles } from './content-file.ts'

/**
 * Starts a server with the content of a file or folder applied before the first request.
 * @throws {Problem} the content is broken, or no app is meant; nothing was changed, and the server is stopped
 */
export async function startWithContent(server: Server, path: string, appId: string | undefined): Promise<void> {
  const written = readContentFiles(path)
  const read = readContent(written.value)
  if (!read.ok) throw brokenContent(written, read.problems)
  await server.start()
  try {
    const app = chosenApp(server.engine.apps(), appId)
    const plan = await server.engine.applyContent(app.appId, read.content)
    if (!plan.ok) throw brokenContent(written, plan.problems)
  } catch (error) {
    await server.stop()
    throw error
  }
}
