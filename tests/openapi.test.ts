import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ACTIONS } from '@damson/core/protocol'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { ROOT } from './imports.ts'

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, { properties?: Record<string, unknown> }>> }
}

const text = readFileSync(join(ROOT, 'packages/server/openapi.json'), 'utf8')
const { components } = JSON.parse(text) as Document

describe('openapi.json', () => {
  test('is an OpenAPI 3.1 document', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(text)
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  test('refers to nothing that is not in it', () => {
    const named = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? '')
    expect(named.filter((name) => !(name in components.schemas))).toEqual([])
  })

  test.each(Object.entries(ACTIONS))('%s has its arguments in it', (name, row) => {
    const schema = components.schemas[`${name[0]?.toUpperCase()}${name.slice(1)}Request`]
    expect(Object.keys(schema?.properties ?? {})).toEqual(['action', ...Object.keys(row.args)])
  })
})
