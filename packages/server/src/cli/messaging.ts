import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DamsonError } from '@damson/core'
import { checkedSettings, type MessagingSettings } from '../senders/settings.ts'
import { Problem, reasonOf } from './problem.ts'

interface ConfiguredApp {
  readonly appId: string
  readonly messaging?: Readonly<Record<string, unknown>> | undefined
}

/**
 * How apps reach people, as a configuration file says it. Secrets may stand in a file or a variable of their own:
 * `{"file": "…"}`, from the folder of the configuration, or `{"env": "NAME"}`.
 * @throws {Problem} naming the field, and never what stands in it
 */
export function readMessaging(
  file: string,
  apps: readonly ConfiguredApp[],
): Readonly<Record<string, MessagingSettings>> {
  const configured = apps.flatMap(({ appId, messaging }) =>
    messaging === undefined ? [] : [[appId, settingsOf(file, appId, messaging)] as const],
  )
  return Object.fromEntries(configured)
}

function settingsOf(file: string, appId: string, messaging: Readonly<Record<string, unknown>>): MessagingSettings {
  // Read first, checked after: what a file holds is as wrong, or as right, as if it stood here.
  const read = resolved(messaging, file, `messaging.${appId}`) as MessagingSettings
  try {
    checkedSettings(appId, read)
  } catch (error) {
    if (!DamsonError.isInstance(error, 'MESSAGING_INVALID')) throw error
    throw new Problem(`${file}: ${error.message}`)
  }
  return read
}

function resolved(value: unknown, file: string, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value)
  const [[name, source] = [], ...more] = entries
  if (more.length === 0 && typeof source === 'string' && (name === 'file' || name === 'env'))
    return secretOf(name, source, file, path)
  return Object.fromEntries(entries.map(([key, one]) => [key, resolved(one, file, `${path}.${key}`)]))
}

function secretOf(kind: 'file' | 'env', name: string, file: string, path: string): unknown {
  const text = kind === 'env' ? fromEnvironment(name, file, path) : fromFile(name, file, path)
  // Of Google's service accounts: a file, or a variable, that is JSON as a whole.
  if (!path.endsWith('.serviceAccount')) return text
  try {
    return JSON.parse(text)
  } catch {
    throw new Problem(`${file}: ${path}: expected ${kind} '${name}' to hold the JSON of a service account.`)
  }
}

function fromEnvironment(name: string, file: string, path: string): string {
  const text = process.env[name]
  if (text !== undefined && text !== '') return text
  throw new Problem(`${file}: ${path}: the variable ${name} is not set. Set it, or name another one.`)
}

function fromFile(name: string, file: string, path: string): string {
  const whole = resolve(dirname(file), name)
  try {
    return readFileSync(whole, 'utf8').trim()
  } catch (error) {
    throw new Problem(`${file}: ${path}: cannot read ${whole}: ${reasonOf(error)}. Name another file.`)
  }
}
