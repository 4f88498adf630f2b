import { NOW, type World } from './world.ts'

type Prepare = (world: World) => Promise<void>

const HOUR = 3600
const DAY = 24 * HOUR

const u1Exists: Prepare = async ({ act }) => void (await act('setUserAttributes', { userId: 'u1' }, DAY))
const u1 = { userId: 'u1', deviceId: 'd1' }

/** A session of u1 on d1 that was paused so many seconds ago. */
const paused =
  (secondsAgo: number): Prepare =>
  async ({ act }) => {
    await act('start', u1, secondsAgo + 60)
    await act('pauseSession', u1, secondsAgo)
  }

const active: Prepare = async ({ act }) => void (await act('start', u1, 60))

/** A session that is long over, on a day the vectors ask for. */
const session: Prepare = async ({ act }) => {
  await act('start', u1, 4 * DAY)
  await act('stop', u1, 4 * DAY - 60)
}

/** A job that has ended, as it is kept. */
const finished =
  (id: string, type: string, result: unknown): Prepare =>
  async ({ server }) => {
    const times = { createdAt: NOW * 1000, finishedAt: NOW * 1000, leaseUntil: 0 }
    const done = { state: 'FINISHED', request: {}, progress: null, error: null, attempt: 1, failures: 0 }
    const job = { id, type, baseUrl: 'http://test', result, ...times, ...done }
    await server.store.changeDocuments('app_T', 'job', () => ({ answer: null, put: { [id]: job } }))
  }

/** The file of the vectors' import. */
const csv: Prepare = async ({ server }) => {
  const text = 'userId,userAttributes.Gender,userAttributes.Age\nuser1,Male,25\nuser2,Female,37\n'
  await server.files.put('imports/b/f.csv', [Buffer.from(text)])
}

/** The import that the vector before it asks for, under the id that this one knows. */
const imported: Prepare = async (world) => {
  await csv(world)
  const job = { createJob: true, gcsBucket: 'b', file: 'f.csv', defaultAction: 'setUserAttributes' }
  const { jobId } = await world.act('multi', job)
  await world.server.work()
  await renameJob(world, String(jobId), 'J1')
}

const renameJob = ({ server }: World, from: string, to: string): Promise<null> =>
  server.store.changeDocuments('app_T', 'job', ({ documents }) => {
    const job = documents.get(from) as object
    return { answer: null, put: { [from]: null, [to]: { ...job, id: to } } }
  })

/** The report that the vector before it asks for, under the id that this one knows. */
const report: Prepare = async (world) => {
  const { act, server } = world
  for (let n = 0; n < 12; n++) await act('track', { ...u1, messageId: '5000000000000001', event: '' }, 3 * DAY - n)
  const args = { startDate: '20231101', endDate: '20231114', dataType: 'UserActivity' }
  const { jobId } = await act('exportReport', { ...args, clientKey: 'exp_T', eventNames: ['.m5000000000000001'] })
  await server.work()
  await renameJob(world, String(jobId), 'R1')
}

const interests: Prepare = async ({ act }) => {
  await act('setUserAttributes', { userId: 'u1', userAttributes: { interests: ['Hiking', 'Chess'] } }, DAY)
}

const anonymousWithThree: Prepare = async ({ act }) => {
  for (let n = 0; n < 3; n++) await act('track', { deviceId: 'd1', event: 'e' }, DAY)
}

const postbackUrl = 'https://hooks.example/x?id={{Message ID}}'
const addPostback: Prepare = async ({ act }) => {
  await act('addPostback', { postbackUrl, clientKey: 'exp_T' }, HOUR)
}

/** The rule 7: ids count what happened to the rules of the app, and six things happened before. */
const postback7: Prepare = async (world) => {
  for (const postbackId of [1, 3, 5]) {
    await addPostback(world)
    await world.act('deletePostback', { postbackId, clientKey: 'exp_T' }, HOUR)
  }
  await addPostback(world)
}

/** A message in the inbox of d1's anonymous user, as it is kept. */
const inbox: Prepare = async (world) => {
  await world.act('start', { deviceId: 'd1' }, HOUR)
  await world.server.store.transact(
    { appId: 'app_T', userId: null, deviceId: 'd1', needsSeen: false },
    ({ subject }) => {
      const vars = {
        Title: 'Inbox title',
        Subtitle: 'Inbox subtitle',
        'Open action': { __name__: 'Open URL', URL: 'https://example.com' },
      }
      const item = { deliveredAt: 1_699_999_000_000, expiresAt: null, isRead: false, vars }
      const profile = { ...subject!, inbox: { '5947704113102848##0': item }, inboxCount: 1 }
      return { answer: null, subject: { profile, wakeAt: null } }
    },
  )
}

const channel =
  (id: string): Prepare =>
  async ({ act }) => {
    await act('addAndroidNotificationChannel', { id, name: id, importance: 3 }, HOUR)
  }

const push = {
  name: 'New Message',
  state: 'active',
  channel: 'push',
  content: { text: "Hello {{ value['foo'] }}" },
} as const

/** The message the vectors send, and users who can be reached on one device each. */
const message =
  (...userIds: string[]): Prepare =>
  async ({ act, applyContent }) => {
    await applyContent({ messages: { 5000000000000001: push } })
    for (const userId of userIds)
      await act('setDeviceAttributes', { userId, deviceId: `d-${userId}`, gcmRegistrationId: `token-${userId}` }, DAY)
  }

/** What a vector's precondition says beyond the app itself, by the vector's name. */
export const preconditions: Readonly<Record<string, Prepare>> = {
  'exportData-job': session,
  'getExportResults-finished': finished('export_1_2', 'exportData', {
    files: ['public/export-1-00000000-0000-4000-a000-000000000000-output-0'],
    numBytes: 36_590,
    numSessions: 101,
  }),
  'getExportResults-report': report,
  'multi-csv-job': csv,
  'getMultiResults-finished': imported,
  'deleteUser-by-GET': u1Exists,
  'exportUser-shape': async ({ act }) => {
    await act('setUserAttributes', { userId: '123456', userAttributes: { is_member: true } }, 10_000)
    await act('track', { userId: '123456', event: 'purchase' }, 9_000)
    await act('track', { userId: '123456', event: 'purchase' }, 8_000)
  },
  getMessages: async ({ server, applyContent }) => {
    server.clock.set(1_690_000_000_500)
    await applyContent({ messages: { 5000000000000001: { ...push, state: 'finished' } } })
  },
  'sendMessage-sent': message('u1'),
  'sendMessage-unknown-message': u1Exists,
  'sendMessage-unknown-user': message(),
  'sendMessage-functional-warning-beats-skew': u1Exists,
  'sendMessage-two-users': message('u1', 'u2'),
  getUnsubscribeCategories: ({ applyContent }) => applyContent({ categories: { 1: { name: 'News' } } }),
  'getVars-empty': u1Exists,
  'getVars-with-variant': async (world) => {
    await u1Exists(world)
    await world.applyContent({
      variables: { test_var: { type: 'integer', value: 0 } },
      tests: {
        4: {
          name: 'test',
          state: 'running',
          variants: { 5: { name: 'one', variables: { test_var: 1 } }, 6: { name: 'two', weight: 0 } },
        },
      },
    })
  },
  'setVars-and-delete': async ({ act }) => void (await act('setVars', { vars: { message: 'hello', kept: 1 } }, DAY)),
  downloadFile: async ({ upload }) => upload('a.png', 'not really a picture'),
  'resetAnomalies-with-development-key': u1Exists,
  'resetAnomalies-by-GET': u1Exists,
  'blocked-user': async ({ act }) => void (await act('block', { userId: 'blocked1' }, DAY)),
  block: u1Exists,
  unblock: async ({ act }) => {
    await act('setUserAttributes', { userId: 'blocked1', userAttributes: { a: 1 } }, DAY)
    await act('block', { userId: 'blocked1' }, HOUR)
  },
  'devMode-rate-limit': async ({ act }) => {
    // A burst of ten is let through (unknowns 12): the request is refused when it is the eleventh within the second.
    for (let n = 0; n < 10; n++) await act('track', { ...u1, event: 'e', devMode: true }, 0.2)
  },
  'disposition-requireActive-rejected': u1Exists,
  'disposition-requireActive-accepted': active,
  'disposition-passive-outside': async ({ act }) => {
    await act('setUserAttributes', { userId: 'u1', lastActive: 1_690_000_000 }, DAY)
  },
  'purchase-currency': async ({ act }) => void (await act('start', { userId: 'u1' }, 60)),
  'registerDevice-again': async ({ act }) => {
    await act('registerDevice', { deviceId: 'd1', email: 'dev@example.com' }, DAY)
  },
  'attributes-add': interests,
  'attributes-remove': interests,
  'attributes-increment': async ({ act }) => {
    await act('setUserAttributes', { userId: 'u1', userAttributes: { name: 'Ann' } }, DAY)
  },
  'newUserId-register': anonymousWithThree,
  'newUserId-login': async (world) => {
    await world.act('setUserAttributes', { userId: 'alice', events: { e: { count: 4 } } }, 2 * DAY)
    await anonymousWithThree(world)
  },
  'newUserId-switch': async ({ act }) => void (await act('start', { userId: 'alice', deviceId: 'd1' }, 60)),
  'session-pause-resume-10min': paused(600),
  'session-resume-35min': paused(2100),
  'session-resume-exactly-30min': paused(1800),
  'session-timeout-2h': async ({ act }) => void (await act('start', u1, 2 * HOUR)),
  'session-heartbeat-keeps': async ({ act }) => {
    await act('start', u1, 3 * HOUR)
    // Two hours without a sign would have ended it (inclusive), so there was one in between.
    await act('heartbeat', u1, 2 * HOUR)
    await act('heartbeat', u1, HOUR)
  },
  'session-background-then-resume': async ({ act }) => void (await act('start', { ...u1, background: true }, 60)),
  'session-start-after-pause-10min': paused(600),
  'session-start-while-active': active,
  'track-while-paused': paused(60),
  'heartbeat-without-session': u1Exists,
  'stop-without-session': u1Exists,
  'advance-empty-state-leaves': async ({ act }) => {
    await act('start', u1, 60)
    await act('advance', { ...u1, state: 'Level' }, 30)
  },
  'params-51': active,
  'addPostback-fourth': async (world) => {
    for (let n = 0; n < 3; n++) await addPostback(world)
  },
  'newsfeed-shape': inbox,
  deleteAndroidNotificationChannel: async (world) => {
    await channel('c1')(world)
    await channel('c2')(world)
  },
  listPostbacks: postback7,
  deletePostback: postback7,
}
