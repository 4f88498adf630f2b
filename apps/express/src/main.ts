import { gracefulShutdown } from '@damson/express'
import { randomBytes } from 'node:crypto'
import { createAnalytics } from './analytics.ts'
import { createShop } from './shop.ts'

const {
  PORT = '3000',
  NODE_ENV,
  DAMSON_SECRET,
  DAMSON_ENDPOINT,
  DAMSON_APP_ID,
  DAMSON_CLIENT_KEY,
  DAMSON_FILE,
} = process.env

const analytics = await createAnalytics({
  endpoint: DAMSON_ENDPOINT,
  appId: DAMSON_APP_ID,
  clientKey: DAMSON_CLIENT_KEY,
  file: DAMSON_FILE,
})
const shop = createShop({
  analytics,
  // One that lives as long as the process will do for a look; visitors are strangers after a restart.
  secrets: [DAMSON_SECRET ?? randomBytes(32).toString('hex')],
  isSecure: NODE_ENV === 'production',
})
const http = shop.listen(Number(PORT), () => {
  console.log(`The damson shop: http://localhost:${PORT}`)
  console.log(
    DAMSON_ENDPOINT === undefined ? 'The engine runs beside it, at /api.' : `It tracks to ${DAMSON_ENDPOINT}.`,
  )
})
gracefulShutdown(http, analytics.client, { close: () => analytics.server?.stop() })
