import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { finish } from './testing.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-campaigns-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const command = (...args: string[]) => finish([...args, '--data', folder])

const CONTENT = `
messages:
  42: { name: Hello, state: active, channel: webhook, content: { url: https://shop.example/ } }
campaigns:
  7: { name: Autumn, state: active, messages: [42], schedule: { cron: 0 9 1 1 * } }
  8: { name: Later, state: draft, messages: [42] }
`

test('campaigns are listed, begun and ended', async () => {
  await command('apps', 'create', '--name', 'Shop', '--app-id', 'shop')
  expect((await command('campaigns', 'list')).out).toContain('There are no campaigns.')
  writeFileSync(join(folder, 'content.yaml'), CONTENT)
  const applied = await command('content', 'apply', join(folder, 'content.yaml'), '--yes')
  expect(applied.out).toContain('campaign 7')
  expect((await command('campaigns', 'list')).out).toMatch(
    /7 +Autumn +active +next \d{4}-01-01 09:00\n.*8 +Later +draft/,
  )

  expect((await command('campaigns', 'run', '7')).out).toMatch(/^Began campaign_1_7_\d+\./)
  expect((await command('campaigns', 'list')).out).toMatch(/waiting +\S+ \S+ +0 sent +0 looked at/)
  const again = await command('campaigns', 'run', '7')
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('a run of the campaign 7 goes on')])
  expect((await command('campaigns', 'cancel', '7')).out).toContain('Ended the run of the campaign 7.')

  for (const [id, reason] of [
    ['8', 'the campaign 8 is not active'],
    ['9', "there is no campaign 9 in the app 'shop'"],
    ['x', 'Expected the id of a campaign.'],
  ] as const) {
    const refused = await command('campaigns', 'run', id)
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(reason)])
  }
})
