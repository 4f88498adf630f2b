import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { NOON, textOf, visit } from './fixtures/visits.ts'

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOON })))
afterEach(() => world.close())

describe('exportUsers', () => {
  test('lists ids, and one attribute where it is asked for [J-09]', async () => {
    await visit(world, 'ann')
    await visit(world, 'bob', { age: 7 })
    const all = await world.call('exportUsers')
    const some = await world.call('exportUsers', { userAttribute: 'age' })
    await world.work()
    const file = async ({ jobId }: Record<string, unknown>) => {
      const { files, state } = await world.call('getExportResults', { jobId })
      expect([state, (files as string[]).length]).toEqual(['FINISHED', 1])
      return textOf(world, (files as string[])[0])
    }
    expect(await file(all)).toBe('userId\nann\nbob\n')
    expect(await file(some)).toBe('userId,age\nbob,7\n')
  })

  test('only those of an audience, and those in a test with their variants [J-11]', async () => {
    await visit(world, 'ann', { age: 30 })
    await visit(world, 'bob', { age: 7 })
    const variants = { 51: { name: 'a' }, 52: { name: 'b, or not', weight: 0 } }
    await world.server.engine.applyContent('app_test', {
      audiences: { grown: 'attribute.age >= 18' },
      tests: { 5: { name: 't', state: 'running', variants, audience: 'grown' } },
    })
    for (const userId of ['ann', 'bob']) await world.call('getVars', { userId })
    const asked = [{ audienceName: 'grown' }, { abTestId: 5, userAttribute: 'age' }]
    const jobs = await Promise.all(asked.map((args) => world.call('exportUsers', args)))
    await world.work()
    const texts = await Promise.all(
      jobs.map(async ({ jobId }) => {
        const { files } = await world.call('getExportResults', { jobId })
        return textOf(world, (files as string[])[0])
      }),
    )
    expect(texts).toEqual(['userId\nann\n', 'userId,variantId,variantName,age\nann,51,a,30\n'])
  })

  test('only those of a segment, the older form of a filter [J-20]', async () => {
    await visit(world, 'ann', { age: 30 })
    await visit(world, 'bob', { age: 7 })
    await world.call('setUserAttributes', { userId: 'eve', country: 'DE', userAttributes: { age: 40 } })
    await world.server.engine.applyContent('app_test', { audiences: { grown: 'attribute.age >= 18' } })
    const asked = ['Country = "US"', 'Country = "US" AND age > 18', 'audience.grown', '']
    const jobs = await Promise.all(asked.map((segment) => world.call('exportUsers', { segment })))
    const both = await world.call('exportUsers', { segment: 'Country = "US"', audienceName: 'grown' })
    await world.work()
    const texts = await Promise.all(
      [...jobs, both].map(async ({ jobId }) => {
        const { files } = await world.call('getExportResults', { jobId })
        return (await textOf(world, (files as string[])[0])).split('\n').slice(1, -1).join()
      }),
    )
    expect(texts).toEqual(['ann,bob', 'ann', 'ann,eve', 'ann,bob,eve', 'ann'])
  })

  test('a filter that nobody understands exports nobody, and what is wrong with it is said', async () => {
    for (const args of [{ audienceName: 'x' }, { abTestId: 5 }, { segment: 'audience.nobody' }])
      expect((await world.call('exportUsers', args)).success).toBe(false)
    expect(await world.call('exportUsers', { segment: 'Country = "US" and' })).toMatchObject({
      httpStatus: 400,
      success: false,
      error: { message: expect.stringMatching(/^'segment' is invalid: line 1, column 19: expected attribute, /) },
    })
  })

  test('an audience that was deleted before the export ran fails it, and says so', async () => {
    await visit(world, 'ann')
    await world.server.engine.applyContent('app_test', { audiences: { grown: 'attribute.age >= 18' } })
    const { jobId } = await world.call('exportUsers', { audienceName: 'grown' })
    await world.server.engine.applyContent('app_test', { audiences: {} })
    await world.work()
    expect(await world.call('getExportResults', { jobId })).toMatchObject({
      state: 'FAILED',
      error: { message: "The audience 'grown' was deleted before the export ran." },
    })
  })
})
