import 'server-only'
import { randomBytes } from 'node:crypto'
import { systemClock } from '@damson/core'
import { createDamson } from '@damson/next'
import { accountOf } from './account'
import { engine, KEYS } from './engine'
import { once } from './once'

const { DAMSON_ENDPOINT, DAMSON_APP_ID, DAMSON_CLIENT_KEY, DAMSON_SECRET } = process.env

export const damson = createDamson({
  client: {
    // With DAMSON_ENDPOINT, a server elsewhere; without, the engine in this process.
    ...(DAMSON_ENDPOINT
      ? { endpoint: DAMSON_ENDPOINT, appId: DAMSON_APP_ID ?? '', clientKey: DAMSON_CLIENT_KEY ?? '' }
      : { fetch: (request: Request) => engine().fetch(request), appId: KEYS.appId, clientKey: KEYS.production }),
    // A test leaves a clock there before Next starts.
    clock: once('clock', () => systemClock),
  },
  // Without one, visitors are known until the process ends, which is as long as the engine in it remembers them.
  secrets: [DAMSON_SECRET ?? once('secret', () => randomBytes(32).toString('hex'))],
  identify: ({ headers }) => accountOf(headers.get('cookie')),
  // Browsers keep a secure cookie on http://localhost, but not on an address of your network.
  cookie: { secure: process.env.SHOP_PLAIN_HTTP !== '1' },
})
