import { randomBytes } from 'node:crypto'
import { DamsonEngineModule, DamsonModule, type Carrier, type DamsonOptions } from '@damson/nestjs'
import { createServer, memoryStore } from '@damson/server'
import { toNodeListener } from '@damson/server/node'
import type { DynamicModule } from '@nestjs/common'
import { personOf } from './people.ts'

/** Who somebody is, the same for a request and for a connection: both begin with the browser's cookies. */
export const identify = ({ headers }: Carrier) => personOf(headers.get('cookie'))

/** Tracks to a server elsewhere. */
export function tracking(options: DamsonOptions): DynamicModule[] {
  return [DamsonModule.forRoot({ ...options, identify })]
}

/** Tracks to an engine in this very process; the API answers at `/api`, and forgets all when the process ends. */
export function embeddedTracking(secrets: readonly string[]): DynamicModule[] {
  const clientKey = randomBytes(32).toString('base64url')
  const server = createServer({
    store: memoryStore(),
    apps: [
      { appId: 'app_shop', name: 'Shop', keys: { production: [clientKey] }, settings: { preferredCurrency: 'EUR' } },
    ],
  })
  return [
    DamsonEngineModule.forRoot({ path: '/api', listener: toNodeListener(server), server }),
    ...tracking({ appId: 'app_shop', clientKey, fetch: server.fetch, secrets, cookie: { secure: false } }),
  ]
}
