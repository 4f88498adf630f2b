import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const root = fileURLToPath(new URL('../../', import.meta.url))

const config: NextConfig = {
  // The engine is a server of its own that happens to run in this process: Node loads it, Next does not bundle it.
  serverExternalPackages: ['@damson/server'],
  outputFileTracingRoot: root,
  turbopack: { root },
}

export default config
