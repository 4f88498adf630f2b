import { z } from 'zod'
import { isoInstant } from './audience/literals.ts'
import { cap, capChannel, category, messageFields } from './messages/schema.ts'
import { CAMPAIGN_STATES, PER_SECOND_MAX } from './campaigns.ts'
import { isSafeName } from './names.ts'
import { type ContentSource, type Json, TEST_STATES, VARIABLE_TYPES } from './source.ts'

/** @source documented: specification 8.10, entity ids have up to 16 digits */
const ID = /^[1-9]\d{0,15}$/

const name = z
  .string()
  .min(1, 'expected a name, and found an empty one')
  .max(200, 'expected a name of at most 200 characters')
  .refine(isSafeName, 'expected another name: this one has a meaning in JavaScript')
const id = z.string().regex(ID, 'expected an id: a whole number of at most 16 digits')
const idNumber = z.number().int().positive()
const json = z.json() as z.ZodType<Json>
const instant = z
  .string()
  .refine((text) => isoInstant(text) !== null, 'expected a date such as 2026-01-31 or 2026-01-31T18:00:00Z')

const onlyOne = (thing: { readonly audience?: unknown; readonly where?: unknown }): boolean =>
  thing.audience === undefined || thing.where === undefined
const ONLY_ONE = { message: 'expected audience or where, and found both', path: ['where'] }

const targetedValue = z
  .strictObject({
    audience: name.optional(),
    where: z.string().optional(),
    value: json,
    priority: z.number().optional(),
  })
  .refine(onlyOne, ONLY_ONE)
  .refine((one) => one.audience !== undefined || one.where !== undefined, {
    message: 'expected an audience (by name) or where (an expression), and found neither',
  })

const variable = z.strictObject({
  type: z.enum(VARIABLE_TYPES),
  description: z.string().optional(),
  value: json.optional(),
  values: z.array(targetedValue).optional(),
})

const weight = z.number().min(0, 'expected a weight of 0 or more').max(1e9)

const variant = z.strictObject({
  name,
  weight: weight.optional(),
  variables: z.record(name, json).optional(),
  messages: z.record(id, z.record(z.string(), json)).optional(),
})

const test = z
  .strictObject({
    name,
    state: z.enum(TEST_STATES),
    audience: name.optional(),
    where: z.string().optional(),
    percent: z.number().min(0).max(100, 'expected 0 to 100 percent').optional(),
    sticky: z.boolean().optional(),
    start: instant.optional(),
    end: instant.optional(),
    variants: z.record(id, variant),
    testers: z.record(z.string(), idNumber).optional(),
    chosenVariant: idNumber.optional(),
  })
  .refine(onlyOne, ONLY_ONE)

const bookmark = z
  .strictObject({
    description: z.string().optional(),
    events: z.array(z.string()).min(1, 'expected at least one event, or no list for all of them').optional(),
    audience: name.optional(),
    where: z.string().optional(),
  })
  .refine(onlyOne, ONLY_ONE)

const message = z
  .strictObject({
    name,
    audience: name.optional(),
    start: instant.optional(),
    end: instant.optional(),
    ...messageFields,
  })
  .refine(onlyOne, ONLY_ONE)

const schedule = z.strictObject({
  at: instant.optional(),
  cron: z.string().optional(),
  timezone: z.string().optional(),
  start: instant.optional(),
  end: instant.optional(),
})

const campaign = z
  .strictObject({
    name,
    state: z.enum(CAMPAIGN_STATES),
    audience: name.optional(),
    where: z.string().optional(),
    messages: z.array(idNumber).min(1, 'expected at least one message').max(10, 'expected at most 10 messages'),
    schedule: schedule.optional(),
    perSecond: z
      .number()
      .int('expected a whole number of users a second')
      .min(1, 'expected at least 1 user a second')
      .max(PER_SECOND_MAX, `expected at most ${PER_SECOND_MAX} users a second`)
      .optional(),
  })
  .refine(onlyOne, ONLY_ONE)

/** The shape of content as code. What goes beyond shape is found by `checkContent`. */
export const contentSchema: z.ZodType<ContentSource> = z.strictObject({
  audiences: z.record(name, z.string()).optional(),
  variables: z.record(name, variable).optional(),
  tests: z.record(id, test).optional(),
  bookmarks: z.record(name, bookmark).optional(),
  messages: z.record(id, message).optional(),
  categories: z.record(id, category).optional(),
  caps: z.partialRecord(capChannel, cap).optional(),
  campaigns: z.record(id, campaign).optional(),
})
