import { type Command, InvalidArgumentError, Option } from 'commander'
import { type EpochMs, HOUR_MS } from '@damson/core'
import type { App } from '../engine/app.ts'
import {
  ISSUED_CLASSES,
  type IssuedClass,
  type IssuedKeys,
  keptApp,
  randomAppId,
  randomKey,
  randomKeys,
  rotated,
} from '../new-app.ts'
import { dataOption, postgresOption, type Whereabouts, withStore } from './data.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

export function addApps(program: Command, terminal: Terminal): void {
  const apps = program
    .command('apps')
    .description('Make apps and their keys. The server of a folder must not be running.')

  apps
    .command('create')
    .description('Make an app with a key of each class, and show them this once.')
    .addOption(new Option('--name <name>', 'what people call it').makeOptionMandatory().env('DAMSON_APP_NAME'))
    .addOption(new Option('--app-id <id>', 'its id (default: a random one)').env('DAMSON_APP_ID'))
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async ({ name, appId, ...where }: Whereabouts & { name: string; appId?: string }) => {
      const created = await createApp(where, name, appId ?? randomAppId())
      terminal.print(
        `Made the app '${name}'. Its keys are shown this once:\n\n${keysTable(created.appId, created.keys)}`,
      )
    })

  apps
    .command('list')
    .description('Show the apps and what is known of their keys.')
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (where: Whereabouts) => {
      const all = await withStore(where, (store) => store.apps())
      terminal.print(
        all.length === 0 ? 'There is no app yet: damson apps create --name NAME' : appsTable(all, Date.now()),
      )
    })

  apps
    .command('rotate')
    .description('Make a new key of one class, and end the old ones.')
    .argument('<app-id>')
    .addOption(
      new Option('--class <class>', 'which key').choices(ISSUED_CLASSES).makeOptionMandatory().env('DAMSON_KEY_CLASS'),
    )
    .addOption(
      new Option('--keep-old-for <hours>', 'how long the old keys still work')
        .default(0)
        .env('DAMSON_KEEP_OLD_FOR')
        .argParser(parseHours),
    )
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (appId: string, options: Whereabouts & { class: IssuedClass; keepOldFor: number }) => {
      const key = await rotate(options, appId, options.class, options.keepOldFor)
      const old =
        options.keepOldFor === 0 ? 'The old ones work no more.' : `The old ones work for ${options.keepOldFor} h more.`
      terminal.print(`The new ${options.class} key of ${appId}, shown this once:\n\n  ${key}\n\n${old}`)
    })
}

/** The app id and the keys in the clear, as a table. */
export function keysTable(appId: string, keys: IssuedKeys): string {
  return table([['app id', appId], ...ISSUED_CLASSES.map((keyClass) => [keyClass, keys[keyClass]])])
}

function createApp(where: Whereabouts, name: string, appId: string): Promise<{ appId: string; keys: IssuedKeys }> {
  return withStore(where, async (store) => {
    const apps = await store.apps()
    if (apps.some((app) => app.appId === appId))
      throw new Problem(
        `there is an app '${appId}' already. Choose another --app-id, or leave it out for a random one.`,
      )
    const keys = randomKeys()
    const lists = Object.fromEntries(ISSUED_CLASSES.map((keyClass) => [keyClass, [keys[keyClass]]]))
    await store.saveApp(keptApp(apps, { appId, name, keys: lists }, Date.now()))
    return { appId, keys }
  })
}

function rotate(where: Whereabouts, appId: string, keyClass: IssuedClass, keepHours: number): Promise<string> {
  return withStore(where, async (store) => {
    const app = (await store.apps()).find((one) => one.appId === appId)
    if (app === undefined)
      throw new Problem(`there is no app '${appId}' there. 'damson apps list' shows those there are.`)
    const key = randomKey(keyClass)
    await store.saveApp(rotated(app, keyClass, key, keepHours * HOUR_MS, Date.now()))
    return key
  })
}

function appsTable(apps: readonly App[], now: EpochMs): string {
  const rows = apps.flatMap((app) =>
    app.keys.map(({ keyClass, last4, createdAt, expiresAt }, index) => [
      index === 0 ? app.appId : '',
      index === 0 ? app.name : '',
      keyClass,
      `…${last4}`,
      day(createdAt),
      expiresAt === null ? 'never' : isOver(expiresAt, now) ? 'ended' : new Date(expiresAt).toISOString(),
    ]),
  )
  return table([['app id', 'name', 'key', 'ends in', 'since', 'until'], ...rows])
}

function isOver(expiresAt: EpochMs | null, now: EpochMs): boolean {
  return expiresAt !== null && expiresAt <= now
}

function day(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 10)
}

function parseHours(text: string): number {
  const hours = Number(text)
  if (text.trim() === '' || !Number.isFinite(hours) || hours < 0)
    throw new InvalidArgumentError('Expected a number of hours, 0 or more.')
  return hours
}
