import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { localEgress, openReceiver } from '../testing/receiver.ts'
import { createTestServer } from '../testing/test-server.ts'
import { createSigner } from './signing.ts'

// Read by the reference implementation of Standard Webhooks, which is not ours. It looks at the clock of this machine.

const KEY = 'k'.repeat(32)
const OLD = 'o'.repeat(32)
const RULE = { appId: 'shop', kind: 'postback', rule: 1 }

test('what is signed is read by the library of Standard Webhooks, with the secret of either key while two are kept [P-31]', () => {
  const secrets = [KEY, OLD].map((key) => createSigner([key]).secretOf(RULE.appId, RULE.kind, RULE.rule))
  const readers = secrets.map((secret) => new Webhook(secret))
  const stranger = new Webhook(createSigner([KEY]).secretOf(RULE.appId, RULE.kind, 2))
  const signer = createSigner([KEY, OLD])
  fc.assert(
    fc.property(fc.json(), fc.uuid(), fc.nat(1_000), (body, uuid, agoMs) => {
      const [id, at] = [`msg_${uuid}`, Date.now() - agoMs]
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at / 1000)),
        'webhook-signature': signer.sign({ ...RULE, id, body, at }),
      }
      for (const reader of readers) expect(reader.verify(body, headers)).toEqual(JSON.parse(body))
      expect(() => stranger.verify(body, headers)).toThrow('No matching signature found')
      expect(() => readers[0]!.verify(`${body} `, headers)).toThrow('No matching signature found')
      expect(() => readers[0]!.verify(body, { ...headers, 'webhook-id': `${id}0` })).toThrow('No matching')
    }),
    { numRuns: Number(process.env.DAMSON_SIGNATURES ?? 1_000) },
  )
})

test('a postback that arrives is read by it, with the secret that addPostback gave', async () => {
  const receiver = await openReceiver()
  const world = await createTestServer({ now: Date.now(), masterKeys: [KEY], egress: localEgress() })
  const { signingSecret } = await world.call('addPostback', { postbackUrl: `${receiver.origin}/{{User ID}}` })
  await world.call('track', { userId: 'änn', messageId: 1, event: 'Open', params: { note: 'ü "quoted"' } })
  expect(await world.dispatch()).toBe(1)
  const [{ body, headers }] = receiver.received as [(typeof receiver.received)[0]]
  const read = new Webhook(String(signingSecret)).verify(body, headers as Record<string, string>)
  expect(read).toMatchObject({ type: 'message.event', data: { userId: 'änn', event: 'Open' } })
  await world.close()
  await receiver.close()
})
