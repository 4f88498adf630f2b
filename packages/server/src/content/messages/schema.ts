import { z } from 'zod'
import type { Json } from '../source.ts'
import {
  type CapSource,
  type CategorySource,
  CHANNELS,
  type Channel,
  type ContentByChannel,
  MESSAGE_STATES,
  RATE_UNITS,
  type TriggerSource,
} from './source.ts'

const filled = z.string().min(1, 'expected a text, and found an empty one')
const scalar = z.union([z.string(), z.number(), z.boolean()])
const json = z.json() as z.ZodType<Json>
const fields = z.record(z.string(), json)
const open = z.union([filled, fields]).optional()

/** More would have to be remembered of every user. */
const RATE_MAX = 100
const times = z.number().int('expected a whole number').min(1, 'expected 1 or more')
const rateTimes = times.max(RATE_MAX, `expected at most ${RATE_MAX}`)
const rate = z.union([rateTimes, z.strictObject({ times: rateTimes, in: times.max(1000, 'expected at most 1000') })])

const parameter = { parameter: filled.optional(), is: scalar.optional() }
const triggerFields = z
  .strictObject({
    session: z.enum(['start', 'resume']).optional(),
    event: filled.optional(),
    state: filled.optional(),
    attribute: filled.optional(),
    ...parameter,
    from: scalar.optional(),
    to: scalar.optional(),
  })
  .refine(
    ({ session, event, state, attribute }) =>
      [session, event, state, attribute].filter((one) => one !== undefined).length === 1,
    'expected one of session, event, state and attribute',
  )
  .refine(({ parameter, is }) => (parameter === undefined) === (is === undefined), {
    message: 'expected parameter and is together',
    path: ['parameter'],
  })
  .refine(({ event, state, parameter }) => parameter === undefined || event !== undefined || state !== undefined, {
    message: 'expected a parameter with an event or a state only',
    path: ['parameter'],
  })
  .refine(({ attribute, from, to }) => (from === undefined && to === undefined) || attribute !== undefined, {
    message: 'expected from and to with an attribute only',
    path: ['to'],
  })
  .refine(({ from, to }) => from === undefined || to !== undefined, {
    message: 'expected to where there is from',
    path: ['from'],
  })

/** One object and not a union, so that what is wrong is told of the field. The checks have made one of the four of it. */
const trigger = triggerFields as unknown as z.ZodType<TriggerSource>

const limits = z.strictObject({
  user: times.optional(),
  session: times.optional(),
  nth: times.optional(),
  everyNth: times.optional(),
  ...(Object.fromEntries(RATE_UNITS.map((unit) => [unit, rate.optional()])) as Record<
    (typeof RATE_UNITS)[number],
    z.ZodOptional<typeof rate>
  >),
})

/** What each channel's content looks like. */
export const CONTENT_SCHEMAS: { readonly [C in Channel]: z.ZodType<ContentByChannel[C]> } = {
  inApp: fields,
  email: z.strictObject({
    to: filled.optional(),
    subject: filled,
    html: filled,
    text: filled.optional(),
    track: z.boolean().optional(),
  }),
  push: z.strictObject({
    title: filled.optional(),
    text: filled,
    image: filled.optional(),
    icon: filled.optional(),
    open,
    data: z.record(z.string(), scalar).optional(),
    androidChannelId: filled.optional(),
    android: z.enum(['app', 'system']).optional(),
    sound: filled.optional(),
    badge: z.number().int().min(0).optional(),
  }),
  webhook: z.strictObject({
    url: filled,
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
    headers: z
      .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header'), z.string())
      .optional(),
    body: json.optional(),
  }),
  inbox: z.strictObject({
    title: filled,
    subtitle: filled.optional(),
    image: filled.optional(),
    data: fields.optional(),
    open,
    days: z.number().positive('expected a number above 0').max(3650).optional(),
  }),
}

/** The fields of a message; `name`, ids and instants are those of all content. */
export const messageFields = {
  state: z.enum(MESSAGE_STATES),
  channel: z.enum(CHANNELS),
  template: filled.optional(),
  where: z.string().optional(),
  sticky: z.boolean().optional(),
  when: z.array(trigger).min(1, 'expected at least one trigger').optional(),
  unless: z.array(trigger).optional(),
  limits: limits.optional(),
  priority: z.number().optional(),
  holdback: z.number().min(0).max(100, 'expected 0 to 100 percent').optional(),
  category: z.number().int().positive().optional(),
  values: fields.optional(),
  content: z.record(z.string(), json),
}

export const category: z.ZodType<CategorySource> = z.strictObject({ name: filled, description: z.string().optional() })

export const cap: z.ZodType<CapSource> = z.strictObject({
  session: times.optional(),
  day: rateTimes.optional(),
  week: rateTimes.optional(),
})
export const capChannel = z.enum(CHANNELS)
