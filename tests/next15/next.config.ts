import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const config: NextConfig = {
  serverExternalPackages: ['@damson/server'],
  outputFileTracingRoot: fileURLToPath(new URL('../../', import.meta.url)),
}

export default config
