import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const root = fileURLToPath(new URL('../../', import.meta.url))

const config: NextConfig = {
  serverExternalPackages: ['@damson/server'],
  outputFileTracingRoot: root,
  turbopack: { root },
}

export default config
