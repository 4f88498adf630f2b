import { dirname, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Clock, DamsonError, SECOND_MS, systemClock } from '@damson/core'
import { pino } from 'pino'
import { ADMIN_KEY_LENGTH_MIN } from '../admin/admin-route.ts'
import { listen, type Listening } from '../http/listen.ts'
import type { NewApp } from '../new-app.ts'
import { isHttpUrl } from '../engine/parse-url.ts'
import type { Logger } from '../logger.ts'
import { createServer, type Server } from '../server.ts'
import { addressRanges } from '../services/addresses.ts'
import type { ServicesOptions } from '../services/config.ts'
import { createDial } from '../services/dial.ts'
import { createEgress, type Egress } from '../services/egress.ts'
import { createServices } from '../services/services.ts'
import { memoryFiles } from '../store/files.ts'
import { memoryStore } from '../store/memory.ts'
import { NO_CONFIG, readConfig } from './config.ts'
import { startWithHooks } from './configured-hooks.ts'
import { serveControl } from './control.ts'
import { dataOption, filesOf, openData, openStore, postgresOption } from './data.ts'
import { demoOf } from './demo.ts'
import { MASTER_KEY_HELP, masterKeysOf } from './master-key.ts'
import { Problem, reasonOf } from './problem.ts'
import { startWithContent } from './serve-content.ts'
import type { Terminal } from './terminal.ts'
import { createTestClock, withTestClock } from './test-clock.ts'
import { waitForMove } from './wait-for-move.ts'

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const

interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly data: string
  readonly postgres?: string
  readonly memory?: true
  readonly config?: string
  readonly publicUrl?: string
  readonly testClock?: true
  readonly clockOffset: number
  readonly allowPrivateDestinations: readonly string[]
  readonly demo?: true
  readonly content?: string
  readonly contentAppId?: string
  readonly adminKey?: string
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

export function addServe(program: Command, terminal: Terminal): void {
  program
    .command('serve')
    .description('Answer the API on a port, until Ctrl-C or SIGTERM.')
    .addOption(new Option('--host <address>', 'the address to listen on').default('127.0.0.1').env('DAMSON_HOST'))
    .addOption(
      new Option('--port <number>', 'the port; 0 takes any free one')
        .default(8080)
        .env('DAMSON_PORT')
        .argParser(parsePort),
    )
    .addOption(dataOption())
    .addOption(postgresOption())
    .addOption(new Option('--memory', 'keep nothing').conflicts(['data', 'postgres']).env('DAMSON_MEMORY'))
    .addOption(new Option('--config <file>', 'JSON that names apps, their keys and settings').env('DAMSON_CONFIG'))
    .addOption(
      new Option('--public-url <url>', 'where callers reach the server: what addresses of files begin with')
        .env('DAMSON_PUBLIC_URL')
        .argParser(parsePublicUrl),
    )
    .addOption(new Option('--demo', 'make an app and show its keys, if there is none').env('DAMSON_DEMO'))
    .addOption(new Option('--test-clock', 'time stands still; POST /test-clock moves it').env('DAMSON_TEST_CLOCK'))
    .addOption(
      new Option('--clock-offset <seconds>', 'for tests: the clock runs so far ahead of the machine, or behind')
        .default(0)
        .env('DAMSON_CLOCK_OFFSET')
        .argParser(parseOffset),
    )
    .addOption(
      new Option('--admin-key <key>', 'opens the admin surface at /admin; better given as the variable').env(
        'DAMSON_ADMIN_KEY',
      ),
    )
    .addOption(
      new Option('--content <path>', 'variables, audiences and tests to apply first: a file or folder').env(
        'DAMSON_CONTENT',
      ),
    )
    .addOption(
      new Option('--content-app-id <id>', 'whose content that is, if there are several apps').env(
        'DAMSON_CONTENT_APP_ID',
      ),
    )
    .addOption(
      new Option('--allow-private-destinations <ranges>', 'CIDR ranges that may be called although they are private')
        .default([], 'none')
        .env('DAMSON_ALLOW_PRIVATE_DESTINATIONS')
        .argParser(parseRanges),
    )
    .addOption(
      new Option('--log-level <level>', 'how much is logged to standard error, as JSON lines; debug logs each request')
        .choices(LOG_LEVELS)
        .default('info')
        .env('DAMSON_LOG_LEVEL'),
    )
    .addHelpText(
      'after',
      `
Examples:
  damson serve --port 9000 --data /var/lib/damson
  damson serve --config apps.json --log-level debug
  damson serve --config apps.json --content content/
  damson serve --postgres postgres://damson@db/damson --host 0.0.0.0
  DAMSON_HOST=0.0.0.0 DAMSON_PORT=80 damson serve

A configuration file:
  {"apps":[{"appId":"my-app","name":"My app","keys":{"production":["…"],"development":["…"]}}],
   "rates":{"ecb":true},"geo":{"database":"places.mmdb"},"trustProxy":["loopback"]}
  With "messaging" an app reaches people by e-mail, web push, FCM and APNs; see docs/guides/messages-sending.md.
${MASTER_KEY_HELP}`,
    )
    .action((options: ServeOptions) => serve(options, terminal))
}

async function serve(options: ServeOptions, terminal: Terminal): Promise<void> {
  const adminKeys = adminKeysOf(options)
  const logger = pino({ level: options.logLevel, base: null }, pino.destination({ fd: 2, sync: true }))
  const offsetClock = clockWith(options.clockOffset * SECOND_MS)
  const testClock = options.testClock ? createTestClock(offsetClock.now()) : null
  const clock = testClock ?? offsetClock
  const {
    apps: configured,
    services: configuredServices,
    rules,
    store: storing,
    exportAvailabilitySeconds,
    bucketService,
    hooks,
    messaging,
  } = options.config === undefined ? NO_CONFIG : readConfig(options.config)
  const directory = dirname(resolve(options.config ?? '.'))
  const wanted = withAllowed(configuredServices, options.allowPrivateDestinations)
  const services = await createServices(wanted, { clock, logger, directory })
  const isInFolder = options.memory !== true && options.postgres === undefined
  const data = isInFolder ? await openData(options.data, storing) : null
  const store =
    data ??
    (options.memory ? memoryStore(storing) : await waitForMove(() => openStore(options, storing, clock), terminal))
  const files = options.memory ? memoryFiles() : filesOf(options.data)
  const demo = options.demo ? demoOf([...(await store.apps()), ...configured]) : null
  const apps: readonly NewApp[] = demo?.app ? [...configured, demo.app] : configured
  const { money, locator } = services
  // No header is believed unless proxies are named.
  const clientAddress = wanted.trustProxy === undefined ? {} : { clientAddress: services.clientAddress }
  const server = createServer({
    store,
    files,
    apps,
    logger,
    clock,
    money,
    locator,
    rules,
    adminKeys,
    egress: postbackEgress(wanted),
    bucketService,
    dial: createDial(destinations(wanted)),
    masterKeys: masterKeysOf(options),
    ...clientAddress,
    ...(messaging && { messaging }),
    ...(options.publicUrl !== undefined && { publicUrl: options.publicUrl }),
    ...(exportAvailabilitySeconds !== undefined && { exportAvailabilitySeconds }),
  })
  const catchUp = async () => {
    await server.sweep()
    await server.dispatch()
  }
  const answer = testClock ? withTestClock(server.answer, testClock, catchUp) : server.answer
  if (hooks.size > 0) await startWithHooks(server, store, hooks, clock.now())
  if (options.content !== undefined) await startWithContent(server, options.content, options.contentAppId)
  const listening = await listenOn({ ...server, answer }, options)
  const control =
    data === null ? null : await serveControl(options.data, data, logger, (to) => retire(server, to, logger))
  // Rates come when they come: until then values are kept as they are, with a warning.
  void services.start()
  if (demo !== null) terminal.print(demo.text(listening.url))
  terminal.print(`damson listening on ${listening.url}`)
  await terminal.interrupted
  logger.info({}, 'stopping')
  await control?.close()
  await listening.stop()
  await services.stop()
}

/** Its folder has moved: it says so to whoever asks, until it is stopped. */
function retire(server: Server, to: string, logger: Logger): void {
  logger.warn({ to }, 'everything has moved: stop this server, and start it with --postgres')
  server.retire().catch((error: unknown) => logger.error({ err: error }, 'timers could not be stopped'))
}

/** What the command line opens is open for every outgoing call, beside what the file opens. */
function withAllowed(services: ServicesOptions, allowed: readonly string[]): ServicesOptions {
  const { egress } = services
  const allowPrivateDestinations = [...(egress?.allowPrivateDestinations ?? []), ...allowed]
  return { ...services, egress: { ...egress, allowPrivateDestinations } }
}

/** Rules may name http, as they always could, unless the file says that nothing goes out that way. */
function postbackEgress({ egress }: ServicesOptions): Egress {
  return createEgress({ allowHttp: egress?.allowHttp ?? true, ...destinations({ egress }) })
}

function destinations({ egress }: Pick<ServicesOptions, 'egress'>) {
  return {
    allowPrivateDestinations: egress?.allowPrivateDestinations ?? [],
    denyDestinations: egress?.denyDestinations ?? [],
  }
}

async function listenOn(server: Parameters<typeof listen>[0]['server'], options: ServeOptions): Promise<Listening> {
  const { host, port } = options
  try {
    return await listen({ server, host, port })
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new Problem(
      `cannot listen on ${host}:${port}: ${reasonOf(error)}. Choose another --host or --port (0 takes any free one).`,
    )
  }
}

function parsePublicUrl(text: string): string {
  if (isHttpUrl(text)) return text
  throw new InvalidArgumentError('Expected a URL such as https://example.com.')
}

/** Checked here and not by the option, which would print the key. */
function adminKeysOf({ adminKey }: ServeOptions): readonly string[] {
  if (adminKey === undefined) return []
  if (adminKey.length >= ADMIN_KEY_LENGTH_MIN) return [adminKey]
  throw new Problem(`--admin-key: expected ${ADMIN_KEY_LENGTH_MIN} characters or more, and found ${adminKey.length}.`)
}

function parseRanges(text: string): readonly string[] {
  const ranges = text.split(',').map((range) => range.trim())
  try {
    addressRanges(ranges)
  } catch (error) {
    if (!DamsonError.isInstance(error, 'ADDRESS_RANGE_INVALID')) throw error
    throw new InvalidArgumentError(error.message)
  }
  return ranges
}

function clockWith(offsetMs: number): Clock {
  return offsetMs === 0 ? systemClock : { now: () => systemClock.now() + offsetMs }
}

function parseOffset(text: string): number {
  const offset = /^-?\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN
  if (Number.isFinite(offset)) return offset
  throw new InvalidArgumentError('Expected seconds, such as 600 or -600.')
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port <= 65_535)) throw new InvalidArgumentError('Expected a whole number from 0 to 65535.')
  return port
}
