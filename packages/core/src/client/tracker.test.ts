import { expect, test } from 'vitest'
import { clientWorld } from './client-world.ts'

test('each method sends its action, with the identity of the tracker', async () => {
  const { client, server } = clientWorld()
  const ada = client.for({ userId: 'ada', deviceId: 'phone' })
  await ada.start({ systemName: 'iOS', userAttributes: { plan: 'free' } })
  await ada.advance('Menu', { level: 3 }, { info: 'from the start' })
  await ada.pauseState()
  await ada.resumeState()
  await ada.setUserAttributes({ plan: 'pro', nickname: null }, { userAttributeValuesToIncrement: { visits: 1 } })
  await ada.setDeviceAttributes({ appVersion: '2.0' })
  await ada.setTrafficSourceInfo({ publisherName: 'Example' })
  await ada.markNewsfeedMessageAsRead('1##2')
  await ada.deleteNewsfeedMessage('1##2')
  await ada.pauseSession()
  await ada.resumeSession()
  await ada.stop()
  await client.flush()
  const sent = server.taken.map(({ time: _time, reqId: _reqId, uuid: _uuid, ...rest }) => rest)
  const who = { userId: 'ada', deviceId: 'phone' }
  expect(sent).toEqual([
    { action: 'start', ...who, systemName: 'iOS', userAttributes: { plan: 'free' } },
    { action: 'advance', ...who, state: 'Menu', params: { level: 3 }, info: 'from the start' },
    { action: 'pauseState', ...who },
    { action: 'resumeState', ...who },
    {
      action: 'setUserAttributes',
      ...who,
      userAttributes: { plan: 'pro', nickname: null },
      userAttributeValuesToIncrement: { visits: 1 },
    },
    { action: 'setDeviceAttributes', ...who, appVersion: '2.0' },
    { action: 'setTrafficSourceInfo', ...who, trafficSource: { publisherName: 'Example' } },
    { action: 'markNewsfeedMessageAsRead', ...who, newsfeedMessageId: '1##2' },
    { action: 'deleteNewsfeedMessage', ...who, newsfeedMessageId: '1##2' },
    { action: 'pauseSession', ...who },
    { action: 'resumeSession', ...who },
    { action: 'stop', ...who },
  ])
})

test('what asks for something gets the answer, after everything tracked before', async () => {
  const { ada, server, taken } = clientWorld()
  server.answer((action) => (action['action'] === 'getVars' ? { vars: { colour: 'green' }, variants: [] } : null))
  await ada.track('a')
  const answer = await ada.getVars()
  expect(answer).toEqual({ delivered: true, warning: null, vars: { colour: 'green' }, variants: [] })
  expect(taken()).toEqual(['a', 'getVars'])
})

test('an answer that did not come is a value', async () => {
  const { ada, server } = clientWorld()
  server.fail({ status: 403, error: 'Invalid access key' })
  expect(await ada.sendMessage(7)).toEqual({ delivered: false, reason: 'refused', detail: 'Invalid access key' })
})

test('actions of one user keep their order, whichever device they name', async () => {
  const { client, server, timers, taken } = clientWorld()
  server.fail(503, 'answerLost', 429)
  const phone = client.for({ userId: 'ada', deviceId: 'phone' })
  const laptop = client.for({ userId: 'ada', deviceId: 'laptop' })
  for (let index = 0; index < 20; index += 1) await (index % 2 === 0 ? phone : laptop).track(`e${index}`)
  const flushed = client.flush({ timeoutMs: 60_000 })
  await timers.advance(60_000)
  await flushed
  expect(taken()).toEqual(Array.from({ length: 20 }, (_, index) => `e${index}`))
})

test('what a user does after signing in does not overtake the signing in', async () => {
  const { client, server, timers, taken } = clientWorld()
  server.fail(503, 'networkError')
  const visitor = client.for({ deviceId: 'phone' })
  await visitor.track('anonymous', {}, { urgent: true })
  await visitor.setUserAttributes({}, { newUserId: 'ada' })
  await timers.settle()
  const ada = client.for({ userId: 'ada', deviceId: 'phone' })
  await ada.track('signed in', {}, { urgent: true })
  await client.for({ userId: 'grace' }).track('somebody else', {}, { urgent: true })
  await timers.advance(60_000)
  expect(taken().filter((name) => name !== 'somebody else')).toEqual(['anonymous', 'setUserAttributes', 'signed in'])
  await ada.track('later')
  await client.flush()
  expect(taken().at(-1)).toBe('later')
})
