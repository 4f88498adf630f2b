import { createHash } from 'node:crypto'
import { DEFAULT_SESSION_RULES, type SessionCommand } from '@damson/core/session'
import { naiveStory } from '@damson/core/testing'
import type { postgresStore } from '@damson/server/postgres'
import type { Client } from 'pg'
import { APP } from './nodes.ts'
import type { SimulatedUser, Wish } from './users.ts'

type Store = Awaited<ReturnType<typeof postgresStore>>
type Entry = ReturnType<Store['entries']> extends AsyncIterable<{ readonly entry: infer Line }> ? Line : never

/** What the tables say of each message: when the node that carried it out thought it was. */
export interface Log {
  /** `null`: nobody carried it out. */
  atOf(user: SimulatedUser, wish: Wish): number | null
  readonly size: number
}

export async function readLog(client: Client): Promise<Log> {
  const { rows: meta } = await client.query<{ value: string }>(`SELECT value FROM meta WHERE name = 'salt'`)
  const { rows } = await client.query<{ digest: string; at: string }>('SELECT digest, at FROM seen')
  const ats = new Map(rows.map(({ digest, at }) => [digest, Number(at)]))
  if (ats.size !== rows.length) throw new Error('Expected each message id once, but one was kept for two users.')
  const salt = meta[0]?.value ?? ''
  return {
    size: ats.size,
    atOf({ deviceId }, { id }) {
      // As the store makes them: were it otherwise, nothing at all would be found.
      const key = deviceId === null ? `profile ${id}` : `device ${deviceId} ${id}`
      const digest = createHash('sha256').update(`${salt}${APP.appId}\0${key}`).digest('base64url').slice(0, 22)
      return ats.get(digest) ?? null
    },
  }
}

/** All that is compared of a user. */
export interface Told {
  /** Start, end and duration of each, in their order. */
  readonly sessions: readonly (readonly [number, number, number])[]
  readonly offlineAt: readonly number[]
  readonly totalSessions: number
  readonly timeInAppMs: number
  readonly lastActiveAt: number | null
}

/** What the naive model of the session rules makes of a user's messages, in the order in which they were sent. */
export function expectedOf(user: SimulatedUser, log: Log): Told {
  const steps = user.wishes.map((wish) => {
    const at = log.atOf(user, wish)
    if (at === null) throw new Error(`${wish.id} was answered, but there is nothing of it`)
    return { command: commandOf(wish), at }
  })
  const { sessions, offline, totalSessions, timeInAppMs, lastActiveAt } = naiveStory(steps, DEFAULT_SESSION_RULES)
  return {
    sessions: inOrder(sessions),
    offlineAt: offline.map(({ at }) => at).sort((one, two) => one - two),
    totalSessions,
    timeInAppMs,
    lastActiveAt,
  }
}

function commandOf({ id, action, state = '' }: Wish): SessionCommand {
  switch (action) {
    case 'track':
      return { type: 'track', disposition: 'active', offlineId: id }
    case 'advance':
      return { type: 'advance', state, stateId: `${id} state`, offlineId: id }
    case 'start':
      return { type: 'start', id }
    case 'resumeSession':
      return { type: 'resume', id }
    case 'pauseSession':
      return { type: 'pause' }
    case 'heartbeat':
    case 'stop':
      return { type: action }
  }
}

/** The sessions that a history tells of, of two lines about the same thing the later one. */
export function sessionsOf(entries: readonly Entry[]): Pick<Told, 'sessions' | 'offlineAt'> {
  const sessions = new Map<string, { startedAt: number; endedAt: number; durationMs: number }>()
  const offlineAt: number[] = []
  for (const entry of entries) {
    switch (entry.kind) {
      case 'sessionStarted':
        sessions.set(entry.record, { startedAt: entry.at, endedAt: NaN, durationMs: NaN })
        break
      case 'sessionEnded':
        sessions.set(entry.record, { startedAt: entry.startedAt, endedAt: entry.at, durationMs: entry.durationMs })
        break
      case 'sessionExtended': {
        const session = sessions.get(entry.record)
        if (session === undefined) throw new Error('A session was made longer that never was.')
        session.endedAt = entry.at
        session.durationMs += entry.durationMs
        break
      }
      case 'offlineOpened':
        offlineAt.push(entry.at)
        break
      default:
    }
  }
  return { sessions: inOrder([...sessions.values()]), offlineAt: offlineAt.sort((one, two) => one - two) }
}

function inOrder(
  sessions: readonly { readonly startedAt: number; readonly endedAt: number; readonly durationMs: number }[],
): Told['sessions'] {
  return sessions
    .map(({ startedAt, endedAt, durationMs }) => [startedAt, endedAt, durationMs] as const)
    .sort((one, two) => one[0] - two[0] || one[1] - two[1])
}
