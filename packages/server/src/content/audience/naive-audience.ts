import fc from 'fast-check'
import type { Profile } from '../../engine/profile.ts'

/** An expression as text, with what it means said again in the plainest way: the model that `compile` is held against. */
export interface Model {
  readonly text: string
  holds(profile: Profile, now: number): boolean
}

const DAY = 86_400_000
const TEXTS = ['gold', 'silver', 'Gold', '7', 'DE', '']
const NAMES = ['plan', 'age', 'beta', 'tags', 'Favourite colour']
const EVENTS = ['Purchase', 'Open app']
const VERSIONS = ['1', '1.2', '1.10', '2.0.0', '2']

const quoted = (text: string): string => `"${text}"`
const oneOf = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

type Values = (profile: Profile) => readonly (string | number | boolean)[]

const attribute = oneOf(NAMES).map((name) => ({
  text: name.includes(' ') ? `attribute(${quoted(name)})` : `attribute.${name}`,
  values: ((profile) => [profile.attributes[name] ?? []].flat()) as Values,
  isList: (profile: Profile) => Array.isArray(profile.attributes[name]),
}))

const asNumber = (value: unknown): number | null => {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : null
}

const ORDERS = ['<', '<=', '>', '>=', '='] as const
const isInOrder = (difference: number, order: (typeof ORDERS)[number]): boolean =>
  (order.includes('=') && difference === 0) ||
  (order.includes('<') && difference < 0) ||
  (order.includes('>') && difference > 0)

const attributeIsText = fc.tuple(attribute, oneOf(TEXTS)).map(([{ text, values }, wanted]): Model => ({
  text: `${text} = ${quoted(wanted)}`,
  holds: (profile) => values(profile).includes(wanted),
}))
const attributeIsNotText = fc.tuple(attribute, oneOf(TEXTS)).map(([{ text, values }, wanted]): Model => ({
  text: `${text} != ${quoted(wanted)}`,
  holds: (profile) => !values(profile).includes(wanted),
}))
const attributeNumber = fc
  .tuple(attribute, oneOf(ORDERS), oneOf([7, 18, -3, 21.5]))
  .map(([{ text, values }, order, wanted]): Model => ({
    text: `${text} ${order} ${wanted}`,
    holds: (profile) =>
      values(profile).some((value) => {
        const number = asNumber(value)
        return number !== null && isInOrder(number - wanted, order)
      }),
  }))
const attributeTrue = attribute.map(({ text, values }): Model => ({
  text: `${text} = true`,
  holds: (profile) => values(profile).includes(true),
}))
const attributeIn = fc
  .tuple(attribute, fc.uniqueArray(oneOf(TEXTS), { minLength: 1 }), fc.boolean())
  .map(([{ text, values }, wanted, isNot]): Model => ({
    text: `${text} ${isNot ? 'not ' : ''}in (${wanted.map(quoted).join(', ')})`,
    holds: (profile) =>
      values(profile).some((value) => wanted.includes(String(value)) && typeof value === 'string') !== isNot,
  }))
const attributeContains = fc
  .tuple(attribute, oneOf(['old', 'gold', '7']))
  .map(([{ text, values, isList }, part]): Model => ({
    text: `${text} contains '${part}'`,
    holds: (profile) =>
      values(profile).some((value) =>
        isList(profile) ? value === part : typeof value === 'string' && value.includes(part),
      ),
  }))
const attributeSet = fc.tuple(attribute, fc.boolean()).map(([{ text, values }, isNot]): Model => ({
  text: `${text} is ${isNot ? 'not ' : ''}set`,
  holds: (profile) => values(profile).length > 0 !== isNot,
}))

const tallyCount = fc
  .tuple(
    oneOf(EVENTS),
    oneOf(['event', 'state'] as const),
    oneOf(['count', 'value'] as const),
    oneOf(ORDERS),
    oneOf([0, 1, 3]),
  )
  .map(([name, kind, field, order, wanted]): Model => ({
    text: `${kind}(${quoted(name)}).${field} ${order} ${wanted}`,
    holds: (profile) =>
      isInOrder((profile[kind === 'event' ? 'events' : 'states'][name]?.[field] ?? 0) - wanted, order),
  }))
const tallyTime = fc
  .tuple(oneOf(EVENTS), oneOf(['first', 'last'] as const), oneOf(['<', '>'] as const), oneOf([1, 7, 30]))
  .map(([name, field, order, days]): Model => ({
    text: `event(${quoted(name)}).${field} ${order} ${days} days ago`,
    holds: (profile, now) => {
      const tally = profile.events[name]
      if (tally === undefined) return false
      const at = field === 'first' ? tally.firstAt : tally.lastAt
      return order === '<' ? at < now - days * DAY : at > now - days * DAY
    },
  }))
const version = fc.tuple(oneOf(ORDERS), oneOf(VERSIONS)).map(([order, wanted]): Model => ({
  text: `app.version ${order} ${quoted(wanted)}`,
  holds: ({ devices }) =>
    Object.values(devices).some(({ appVersion }) => {
      if (typeof appVersion !== 'string') return false
      const padded = (text: string) =>
        [...text.split('.'), '0', '0', '0'].slice(0, 3).map((part) => part.padStart(6, '0'))
      return isInOrder(padded(appVersion).join('.').localeCompare(padded(wanted).join('.')), order)
    }),
}))
const system = oneOf(['iOS', 'Android OS']).map((name): Model => ({
  text: `device.systemName = ${quoted(name)}`,
  holds: ({ devices }) => Object.values(devices).some(({ systemName }) => systemName === name),
}))
const country = fc.uniqueArray(oneOf(['DE', 'AT', 'US']), { minLength: 1 }).map((codes): Model => ({
  text: `place.country in (${codes.map(quoted).join(',')})`,
  holds: ({ place }) => place.country !== undefined && codes.includes(place.country),
}))
const sessions = fc.tuple(oneOf(ORDERS), oneOf([0, 2, 5])).map(([order, wanted]): Model => ({
  text: `session.count ${order} ${wanted}`,
  holds: ({ totalSessions }) => isInOrder(totalSessions - wanted, order),
}))
const created = oneOf([1, 10, 100]).map((days): Model => ({
  text: `user.created >= ${days} days ago`,
  holds: ({ createdAt }, now) => createdAt >= now - days * DAY,
}))
const lastActive = fc.boolean().map((isNot): Model => ({
  text: isNot ? 'user.lastActive is not set' : 'user.lastActive is set',
  holds: ({ lastActiveAt }) => (lastActiveAt === null) === isNot,
}))
const developer = fc.constant<Model>({ text: 'user.developer', holds: ({ isDeveloper }) => isDeveloper })
const inVariant = oneOf([51, 52]).map((variant): Model => ({
  text: `test(5) = ${variant}`,
  holds: ({ variants }) => variants['5']?.variantId === variant,
}))

/** Random expressions, each with its model; nested up to four deep. */
export const models: fc.Arbitrary<Model> = fc.letrec<{ tree: Model; leaf: Model }>((tie) => ({
  leaf: fc.oneof(
    attributeIsText,
    attributeIsNotText,
    attributeNumber,
    attributeTrue,
    attributeIn,
    attributeContains,
    attributeSet,
    tallyCount,
    tallyTime,
    version,
    system,
    country,
    sessions,
    created,
    lastActive,
    developer,
    inVariant,
  ),
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    tie('tree').map((part): Model => ({
      text: `not (${part.text})`,
      holds: (profile, now) => !part.holds(profile, now),
    })),
    fc.tuple(fc.boolean(), fc.array(tie('tree'), { minLength: 2, maxLength: 3 })).map(([isAnd, parts]): Model => ({
      text: parts.map(({ text }) => `(${text})`).join(isAnd ? ' and\n ' : ' or '),
      holds: (profile, now) => {
        const told = parts.map((part) => part.holds(profile, now))
        return isAnd ? !told.includes(false) : told.includes(true)
      },
    })),
  ),
})).tree

const tally = (now: number) =>
  fc
    .record({
      count: fc.integer({ min: 1, max: 4 }),
      days: fc.integer({ min: 0, max: 40 }),
      value: fc.option(fc.integer({ min: 0, max: 4 })),
    })
    .map(({ count, days, value }) => ({
      count,
      firstAt: now - 2 * days * DAY,
      lastAt: now - days * DAY,
      ...(value !== null && { value }),
    }))

/** What random users are like; their ids come from the test. */
export const traits = (now: number): fc.Arbitrary<Partial<Profile>> =>
  fc.record(
    {
      attributes: fc.dictionary(
        oneOf(NAMES),
        fc.oneof(
          oneOf(TEXTS),
          oneOf([7, 18, 21.5]),
          fc.boolean(),
          fc.array(oneOf(TEXTS), { minLength: 1, maxLength: 3 }),
        ),
      ),
      events: fc.dictionary(oneOf(EVENTS), tally(now)),
      states: fc.dictionary(oneOf(EVENTS), tally(now)),
      devices: fc.dictionary(
        oneOf(['d1', 'd2']),
        fc.record({ appVersion: oneOf(VERSIONS), systemName: oneOf(['iOS', 'Android OS']) }, { requiredKeys: [] }),
      ),
      place: fc.record({ country: oneOf(['DE', 'AT', 'US', 'FR']) }, { requiredKeys: [] }),
      totalSessions: fc.integer({ min: 0, max: 6 }),
      createdAt: fc.integer({ min: 0, max: 200 }).map((days) => now - days * DAY),
      lastActiveAt: fc.option(fc.integer({ min: 0, max: 20 }).map((days) => now - days * DAY)),
      isDeveloper: fc.boolean(),
      variants: fc.dictionary(fc.constant('5'), fc.record({ variantId: oneOf([51, 52, 53]), at: fc.constant(now) })),
    },
    { requiredKeys: [] },
  )
