import type { Instrumentation } from 'next'

export const onRequestError: Instrumentation.onRequestError = async (...failure) => {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { damson } = await import('./damson')
  await damson.onRequestError(...failure)
}
