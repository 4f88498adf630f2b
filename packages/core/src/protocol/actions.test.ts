import { describe, expect, test } from 'vitest'
import { ACTIONS, isActionName } from './actions.ts'
import type { ActionName } from './actions.ts'
import published from './actions.fixture.json' with { type: 'json' }
import { COMMON_ARGS } from './common.ts'
import type { ActionDefinition } from './define.ts'

interface Published {
  readonly keys: readonly string[]
  readonly createDisposition: string | null
  readonly methods: readonly string[]
  readonly requiredSubject: string | null
  readonly args: Readonly<Record<string, { type: string; required: boolean; default: unknown; enum: string[] | null }>>
}

const table: Readonly<Record<ActionName, ActionDefinition>> = ACTIONS
const names = Object.keys(table) as ActionName[]
const reference = published as unknown as Readonly<Record<string, Published>>

/** Parts of a form, and no arguments. */
const PARTS = new Set(['uploadFile.file', 'uploadFile.file{k}'])

/** Arguments that the reference calls required, or not, and that the specification knows better. */
const REQUIRED_OTHERWISE: Readonly<Record<string, 'required' | 'defaulted'>> = {
  // Needed unless there is a messageId (7.1).
  'track.event': 'defaulted',
  // Missing means leaving the current state (6.6).
  'advance.state': 'defaulted',
  // Both required and given a default (8.9).
  'addPostback.type': 'defaulted',
  // Both required and given a default (8.12).
  'addAndroidNotificationChannel.importance': 'defaulted',
  // Needed unless there are actionDefinitions (8.14).
  'setVars.vars': 'defaulted',
}

/** Defaults that would hide from the handler whether anything was said. */
const HANDLED_DEFAULTS = new Set(['track.value', 'trackGeofence.value', 'track.disposition', 'track.allowOffline'])
const isHandledDefault = (place: string) => HANDLED_DEFAULTS.has(place) || place.endsWith('.locationAccuracyType')

test('the fixture and the table have the same actions', () => {
  expect(names.toSorted()).toEqual(Object.keys(reference).toSorted())
})

describe.each(names)('%s', (name) => {
  const row = table[name]
  const facts = reference[name]!

  test('is called with the keys, the method and the createDisposition of the reference', () => {
    expect([...row.keys].toSorted()).toEqual([...facts.keys].toSorted())
    expect(row.keys[0]).toBe(facts.keys[0])
    expect([...row.methods].toSorted()).toEqual([...facts.methods].toSorted())
    expect(row.createDisposition).toBe(facts.createDisposition)
    expect(row.subject === 'device').toBe(facts.requiredSubject === 'deviceId')
  })

  test('takes every argument of the reference, of the same type', () => {
    for (const [argument, fact] of Object.entries(facts.args)) {
      const place = `${name}.${argument}`
      if (PARTS.has(place)) continue
      const piece = row.args[argument]
      expect(piece, place).toBeDefined()
      const isRequired = REQUIRED_OTHERWISE[place] ?? (fact.required ? 'required' : undefined)
      if (isRequired !== undefined) expect(piece!.presence, place).toBe(isRequired)
      else expect(piece!.presence, place).not.toBe('required')
      expect(fact.type.split('|'), place).toContain(piece!.schema.type)
      if (fact.default !== null && !isHandledDefault(place)) expect(piece!.fallback, place).toEqual(fact.default)
      const items = piece!.schema.items as { enum?: unknown } | undefined
      if (fact.enum !== null && place !== 'log.type')
        expect(piece!.schema.enum ?? items?.enum, place).toEqual(fact.enum)
    }
  })

  test('carries what a reference page needs', () => {
    expect(row.summary).toMatch(/^[A-Z].*\.$/)
    expect(row.section).toMatch(/^8\.\d+$/)
    for (const [argument, piece] of Object.entries(row.args)) {
      expect(piece.schema.description, argument).toMatch(/./)
      expect(COMMON_ARGS, 'a common argument is not defined again').not.toHaveProperty(argument)
    }
    for (const schema of Object.values(row.result)) expect(schema.type).toBeDefined()
  })
})

test('names are exact, and nothing inherited is one', () => {
  expect(isActionName('track')).toBe(true)
  for (const name of ['Track', 'toString', '__proto__', '', null, 5, ['track']]) expect(isActionName(name)).toBe(false)
})
