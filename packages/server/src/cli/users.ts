import { type Command, Option } from 'commander'
import { Draft } from '../engine/draft.ts'
import { exportedUser } from '../engine/export-user.ts'
import type { Profile } from '../engine/profile.ts'
import { settle } from '../engine/story.ts'
import type { ProfileRef, Store } from '../store/store.ts'
import { DEFAULT_SESSION_RULES } from '@damson/core/session'
import { appOption, chosenApp } from './chosen-app.ts'
import { dataOption, postgresOption, withStore } from './data.ts'
import { Problem } from './problem.ts'
import type { Terminal } from './terminal.ts'
import { profilePage } from './user-page.ts'

interface UserOptions {
  readonly appId?: string
  readonly device?: true
  readonly data: string
  readonly postgres?: string
}

const deviceOption = () => new Option('--device', 'the id is a device, meant is the user on it').env('DAMSON_DEVICE')

export function addUsers(program: Command, terminal: Terminal): void {
  const users = program.command('users').description('Look at people and delete them. The server must not be running.')

  users
    .command('show')
    .description('Show all that is known of a user.')
    .argument('<user-id>')
    .addOption(appOption())
    .addOption(deviceOption())
    .addOption(new Option('--json', 'print what exportUser would answer').env('DAMSON_JSON'))
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: string, options: UserOptions & { json?: true }) => {
      const now = Date.now()
      const profile = await withStore(options, (store) => find(store, id, options, now))
      terminal.print(options.json ? JSON.stringify(exportedUser(profile), null, 2) : profilePage(profile, now))
    })

  users
    .command('delete')
    .description('Delete a user. Sessions and events stay unless --full-erasure is given.')
    .argument('<user-id>')
    .addOption(appOption())
    .addOption(deviceOption())
    .addOption(
      new Option('--full-erasure', 'leave no byte of the sessions and events either').env('DAMSON_FULL_ERASURE'),
    )
    .addOption(dataOption())
    .addOption(postgresOption())
    .action(async (id: string, options: UserOptions & { fullErasure?: true }) => {
      const fullErasure = options.fullErasure === true
      const userId = await withStore(options, (store) => remove(store, id, options, fullErasure))
      terminal.print(`Deleted '${userId}'${fullErasure ? ' and everything they did' : '; their history stays'}.`)
    })
}

async function find(store: Store, id: string, options: UserOptions, now: number): Promise<Profile> {
  const ref = await refOf(store, id, options)
  const profile = await store.transact(ref, ({ subject }) => ({ answer: subject }))
  if (profile === null) throw unknown(id, ref)
  const draft = new Draft(profile)
  settle(draft, now, DEFAULT_SESSION_RULES)
  return draft.profile
}

async function remove(store: Store, id: string, options: UserOptions, fullErasure: boolean): Promise<string> {
  const ref = await refOf(store, id, options)
  const history = fullErasure ? 'erase' : 'keep'
  const userId = await store.transact(ref, ({ subject }) =>
    subject === null ? { answer: null } : { answer: subject.userId, subject: { profile: null, wakeAt: null, history } },
  )
  if (userId === null) throw unknown(id, ref)
  return userId
}

function unknown(id: string, { appId }: ProfileRef): Problem {
  return new Problem(
    `nobody is known as '${id}' in the app '${appId}'. Check the id, or add --device if it is a device's.`,
  )
}

async function refOf(store: Store, id: string, { appId, device }: UserOptions): Promise<ProfileRef> {
  const app = chosenApp(await store.apps(), appId)
  return { appId: app.appId, userId: device ? null : id, deviceId: device ? id : null, needsSeen: false }
}
