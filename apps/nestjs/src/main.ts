import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { AppModule } from './app.module.ts'
import { embeddedTracking, tracking } from './tracking.ts'

const { DAMSON_ENDPOINT, DAMSON_APP_ID = '', DAMSON_CLIENT_KEY = '', COOKIE_SECRET, PORT = '3000' } = process.env
// Without a secret of its own, the next start meets every visitor as a stranger.
const secrets = [COOKIE_SECRET ?? randomBytes(32).toString('base64url')]

const app = await NestFactory.create(
  AppModule.with(
    DAMSON_ENDPOINT === undefined
      ? embeddedTracking(secrets)
      : tracking({ endpoint: DAMSON_ENDPOINT, appId: DAMSON_APP_ID, clientKey: DAMSON_CLIENT_KEY, secrets }),
  ),
)
app.useWebSocketAdapter(new WsAdapter(app))
app.enableShutdownHooks()
await app.listen(Number(PORT))
console.log(`The shop is open: http://localhost:${PORT}`)
