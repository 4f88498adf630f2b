import { type EpochMs, MINUTE_MS, SECOND_MS, HOUR_MS } from '@damson/core'
import { exportedAttribute } from '../engine/export-user.ts'
import type { Profile, Tally } from '../engine/profile.ts'
import { DEVELOPER_FIELD } from '../engine/devices.ts'
import { table } from './table.ts'

/** A profile as a person reads it: the newest first, every instant in UTC. */
export function profilePage(profile: Profile, now: EpochMs): string {
  const sections: [title: string, rows: readonly (readonly string[])[]][] = [
    [
      'Attributes',
      Object.entries(profile.attributes).map(([name, value]) => [name, written(exportedAttribute(value))]),
    ],
    ['Events', talliesOf(profile.events)],
    ['States', talliesOf(profile.states)],
    ['Devices', devicesOf(profile)],
  ]
  const head = [profile.userId + marks(profile), table(facts(profile, now))]
  const bodies = sections
    .filter(([, rows]) => rows.length > 0)
    .map(([title, rows]) => `${title} (${rows.length})\n${table(rows)}`)
  return [head.join('\n'), ...bodies].join('\n\n')
}

function marks({ blocked, isDeveloper, anomalous }: Profile): string {
  const all = [blocked && 'blocked', isDeveloper && 'developer', anomalous && 'sent impossible times'].filter(Boolean)
  return all.length === 0 ? '' : `  [${all.join(', ')}]`
}

function facts(profile: Profile, now: EpochMs): string[][] {
  const { createdAt, lastActiveAt, totalSessions, timeInAppMs, place, trafficSource } = profile
  const open = Object.values(profile.sessions).filter(({ phase }) => phase !== 'closed')
  const rows = [
    ['created', instant(createdAt)],
    ['last active', lastActiveAt === null ? 'never in a session' : instant(lastActiveAt)],
    [
      'sessions',
      `${totalSessions}, ${duration(timeInAppMs)} in all${open.length === 0 ? '' : ` before the open ${open.length === 1 ? 'one' : `${open.length}`}`}`,
    ],
    ...open.map((session) => [
      'open now',
      session.phase === 'closed'
        ? ''
        : `${session.phase}, since ${instant(session.run.startedAt)} (${duration(now - session.run.startedAt)})`,
    ]),
    ...Object.entries(place).map(([name, value]) => [name, String(value)]),
    ...(profile.unsubscribedChannels.length > 0 ? [['unsubscribed', profile.unsubscribedChannels.join(', ')]] : []),
    ...(trafficSource === null ? [] : [['came from', Object.values(trafficSource).join(' / ')]]),
  ]
  return rows
}

function talliesOf(tallies: Readonly<Record<string, Tally>>): string[][] {
  return Object.entries(tallies)
    .toSorted(([, one], [, other]) => other.lastAt - one.lastAt)
    .map(([name, { count, value, firstAt, lastAt }]) => [
      name,
      `${count} ×`,
      value === undefined ? '' : `value ${Number(value.toFixed(6))}`,
      firstAt === lastAt ? instant(lastAt) : `${instant(firstAt)} – ${instant(lastAt)}`,
    ])
}

function devicesOf({ devices }: Profile): string[][] {
  return Object.entries(devices).map(([deviceId, device]) => {
    const fields = Object.entries(device).filter(([name]) => name !== DEVELOPER_FIELD)
    return [deviceId, fields.map(([name, value]) => `${name} ${value}`).join(', ')]
  })
}

function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function instant(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

function duration(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS)
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS)
  const seconds = Math.round((ms % MINUTE_MS) / SECOND_MS)
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min ${seconds} s` : `${seconds} s`
}
