import type { Instrumentation } from 'next'

export const onRequestError: Instrumentation.onRequestError = async (...failure) => {
  // Next builds this file for the edge as well, where the engine cannot run.
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { damson } = await import('./lib/damson')
  await damson.onRequestError(...failure)
}
