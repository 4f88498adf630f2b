import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readMessaging } from './messaging.ts'

const folder = mkdtempSync(join(tmpdir(), 'damson-messaging-'))
afterAll(() => rmSync(folder, { recursive: true }))
const config = join(folder, 'apps.json')

const read = (email: unknown, more: object = {}) =>
  readMessaging(config, [{ appId: 'shop', messaging: { email, ...more } }, { appId: 'other' }])
writeFileSync(join(folder, 'dkim.pem'), 'very secret\n')
const email = (password: unknown) => ({ from: 'a@b.example', smtp: { host: 'smtp.example', user: 'a', password } })

test('a secret stands in the configuration, in a file beside it, or in a variable [O-14]', () => {
  writeFileSync(join(folder, 'password.txt'), 'from a file\n')
  process.env.DAMSON_TEST_PASSWORD = 'from a variable'
  const passwordOf = (password: unknown) => read(email(password))['shop']?.email?.smtp.password
  expect(passwordOf('as it is')).toBe('as it is')
  expect(passwordOf({ file: 'password.txt' })).toBe('from a file')
  expect(passwordOf({ env: 'DAMSON_TEST_PASSWORD' })).toBe('from a variable')
  expect(Object.keys(read(email('x')))).toEqual(['shop'])
})

test.each([
  ['a variable that is not set', email({ env: 'DAMSON_NO_SUCH' }), 'messaging.shop.email.smtp.password: the variable'],
  ['a file that is not there', email({ file: 'none.txt' }), 'messaging.shop.email.smtp.password: cannot read'],
  ['a field that nobody knows', { ...email('very secret'), color: 'red' }, 'messaging.shop.email: '],
  [
    'a field that is wrong',
    { ...email('very secret'), from: 'nobody' },
    'messaging.shop.email.from: expected an e-mail',
  ],
  [
    'a key that is none',
    { ...email('x'), dkim: { domain: 'shop.example', selector: 'mail', privateKey: { file: 'dkim.pem' } } },
    'messaging.shop.email.dkim.privateKey: expected an RSA key',
  ],
])('%s ends the start with its name, and not with what stands in it [O-14]', (_name, settings, expected) => {
  expect(() => read(settings)).toThrow(expected)
  expect(() => read(settings)).not.toThrow('very secret')
})

test('a service account is the JSON of its file [O-14]', () => {
  writeFileSync(join(folder, 'account.json'), '{"private_key":"very secret"')
  expect(() => read(email('x'), { fcm: { serviceAccount: { file: 'account.json' } } })).toThrow(
    "messaging.shop.fcm.serviceAccount: expected file 'account.json' to hold the JSON of a service account",
  )
})
