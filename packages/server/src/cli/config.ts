import { readFileSync } from 'node:fs'
import { SECOND_MS } from '@damson/core'
import { DEFAULT_SESSION_RULES, type SessionRules } from '@damson/core/session'
import { z } from 'zod'
import { isHttpUrl, parseUrl } from '../engine/parse-url.ts'
import { HOOK_TRIGGERS, HOOKS_MAX } from '../engine/postbacks/rules.ts'
import { compileTemplate } from '../engine/postbacks/template.ts'
import type { NewApp } from '../new-app.ts'
import type { BucketService } from '../services/bucket.ts'
import { type ServicesOptions, servicesConfigSchema } from '../services/config.ts'
import type { MessagingSettings } from '../senders/settings.ts'
import type { BookOptions } from '../store/book.ts'
import { type ConfiguredHooks, isSame } from './configured-hooks.ts'
import { readMessaging } from './messaging.ts'
import { Problem, reasonOf } from './problem.ts'

const key = z.string().min(1, 'expected a key, and found an empty text').max(200)
const keys = z.array(key).default([])
const names = z.number().int().min(1)

const configuredHook = z
  .strictObject({
    url: z.string().superRefine((text, context) => {
      const template = compileTemplate(text)
      if (typeof template === 'string') context.addIssue({ code: 'custom', message: lowered(template) })
    }),
    on: z
      .array(z.enum(HOOK_TRIGGERS))
      .min(1, 'expected something to be told of')
      .default([...HOOK_TRIGGERS]),
    /** Of tracked events, only these. */
    events: z.array(z.string().min(1)).default([]),
  })
  .refine(({ on, events }) => events.length === 0 || on.includes('event.tracked'), {
    path: ['events'],
    message: "expected none, because 'on' does not name event.tracked",
  })

const configuredApp = z.strictObject({
  appId: z.string().min(1).max(200),
  name: z.string().min(1).max(200),
  keys: z.strictObject({
    production: keys,
    development: keys,
    dataExport: keys,
    contentReadOnly: keys,
    contentReadWrite: keys,
  }),
  preferredCurrency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'expected a currency of ISO 4217, such as USD')
    .optional(),
  monetizationEvent: z.string().min(1).optional(),
  devModeBurst: z.number().int().min(1).optional(),
  developers: z.array(z.email()).optional(),
  /** How the app reaches people; checked by `readMessaging`. */
  messaging: z.record(z.string(), z.unknown()).optional(),
  maxEventNames: names.optional(),
  maxStateNames: names.optional(),
  maxAttributeNames: names.optional(),
  maxParameterNames: names.optional(),
  hooks: z
    .array(configuredHook)
    .max(HOOKS_MAX)
    .superRefine((hooks, context) => {
      for (const [index, hook] of hooks.entries()) {
        if (hooks.findIndex((other) => isSame(other, hook)) !== index)
          context.addIssue({ code: 'custom', path: [index], message: 'expected each hook once, but it is there twice' })
      }
    })
    .default([]),
})

const seconds = z.number().positive()

const config = servicesConfigSchema.extend({
  apps: z.array(configuredApp).default([]),
  /** Where the rules of sessions differ from ours, which are the documented ones. */
  sessions: z
    .strictObject({
      inactivitySeconds: seconds.optional(),
      pauseSeconds: seconds.optional(),
      mergeStartWithinPause: z.boolean().optional(),
    })
    .optional(),
  /** How long a request waits for others on the same profile before it gets 429; with 0 it does not wait (unknowns 11). */
  lockWaitSeconds: z.number().min(0).optional(),
  exports: z
    .strictObject({
      /** Data can be exported in steps of this length; 0: at once (unknowns 77). */
      availabilitySeconds: z.number().min(0).optional(),
      /** Where copies go; without it, to Amazon. */
      s3: z
        .strictObject({
          endpoint: z
            .string()
            .refine(isBareUrl, 'expected a URL such as https://s3.example.com, without credentials and query')
            .optional(),
          region: z
            .string()
            .regex(/^[a-z0-9-]{1,40}$/, 'expected a region such as eu-central-1')
            .optional(),
        })
        .optional(),
    })
    .optional(),
})

export interface Config {
  readonly apps: readonly NewApp[]
  /** Money, place and proxies. */
  readonly services: ServicesOptions
  readonly rules: SessionRules
  readonly store: BookOptions
  readonly exportAvailabilitySeconds?: number
  readonly bucketService: BucketService
  readonly hooks: ConfiguredHooks
  /** How apps reach people, by their ids. Holds secrets. */
  readonly messaging?: Readonly<Record<string, MessagingSettings>>
}

/** What holds without a configuration file. */
export const NO_CONFIG: Config = {
  apps: [],
  services: {},
  rules: DEFAULT_SESSION_RULES,
  store: {},
  bucketService: {},
  hooks: new Map(),
}

/**
 * Reads a configuration file.
 * @throws {Problem} naming the file, the field and what was expected there
 */
export function readConfig(file: string): Config {
  const parsed = config.safeParse(readJson(file))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const more = parsed.error.issues.length - 1
    const rest = more === 0 ? '' : ` (and ${more} more)`
    throw new Problem(
      `${file}: ${pathOf(issue?.path ?? [])}: ${issue?.message}${rest}. Mend the field and start again.`,
    )
  }
  const { apps, sessions, lockWaitSeconds, exports, ...services } = parsed.data
  for (const [index, { appId }] of apps.entries()) {
    if (apps.findIndex((other) => other.appId === appId) !== index)
      throw new Problem(`${file}: apps[${index}].appId: expected each app once, but '${appId}' is there twice.`)
  }
  const store = lockWaitSeconds === undefined ? {} : { lockWaitMs: lockWaitSeconds * SECOND_MS }
  const availability = exports?.availabilitySeconds
  return {
    apps: apps.map(newApp),
    services,
    rules: rulesOf(sessions ?? {}),
    store,
    hooks: new Map(apps.map(({ appId, hooks }) => [appId, hooks])),
    bucketService: given(exports?.s3 ?? {}),
    messaging: readMessaging(file, apps),
    ...(availability !== undefined && { exportAvailabilitySeconds: availability }),
  }
}

function rulesOf(sessions: NonNullable<z.infer<typeof config>['sessions']>): SessionRules {
  const { inactivitySeconds, pauseSeconds, mergeStartWithinPause } = sessions
  const { inactivityMs, pausedMs, ...others } = DEFAULT_SESSION_RULES
  return {
    ...others,
    inactivityMs: inactivitySeconds === undefined ? inactivityMs : inactivitySeconds * SECOND_MS,
    pausedMs: pauseSeconds === undefined ? pausedMs : pauseSeconds * SECOND_MS,
    mergeStartWithinPause: mergeStartWithinPause ?? others.mergeStartWithinPause,
  }
}

function newApp({
  appId,
  name,
  keys: appKeys,
  hooks: _,
  messaging: __,
  ...settings
}: z.infer<typeof configuredApp>): NewApp {
  return { appId, name, keys: appKeys, settings: given(settings) }
}

/** A file that leaves a field out says nothing of it. */
function given<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> }
}

/** To stand behind the name of a field. */
function lowered(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`
}

function isBareUrl(text: string): boolean {
  const url = isHttpUrl(text) ? parseUrl(text) : null
  return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
}

function readJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Problem(`cannot read ${file}: ${reasonOf(error)}. Name another file with --config.`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem(`${file} is not JSON: ${reasonOf(error)}`)
  }
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  return text.replace(/^\./, '') || 'the whole file'
}
