import { expect, test } from 'vitest'
import { EXPORTED_DEVICE_FIELDS, EXPORTED_PLACE_FIELDS, recordFields, SOURCE_FIELDS } from './record-text.ts'
import type { SessionRecord } from './record.ts'

const told = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `its ${name}`]))

test('every field of device, place and source that is taken over from an export is written to one', () => {
  const record: SessionRecord = {
    id: '1',
    isSession: true,
    deviceId: 'phone',
    startedAt: 0,
    durationMs: 0,
    completeAt: 0,
    snapshot: {
      userId: 'ann',
      attributes: {},
      device: told(EXPORTED_DEVICE_FIELDS),
      place: told(EXPORTED_PLACE_FIELDS),
      trafficSource: told(SOURCE_FIELDS.map(([name]) => name)),
      isDeveloper: false,
    },
    states: [],
  }
  expect(recordFields(record, { userId: 'ann', createdAt: 0 })).toMatchObject({
    ...told(EXPORTED_DEVICE_FIELDS),
    ...told(EXPORTED_PLACE_FIELDS),
    ...Object.fromEntries(SOURCE_FIELDS.map(([name, exported]) => [exported, `its ${name}`])),
  })
})
