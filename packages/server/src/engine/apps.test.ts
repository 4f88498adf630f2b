import { expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { type App, DEFAULT_APP_SETTINGS } from './app.ts'
import { Apps } from './apps.ts'

const SHOP: App = { appId: 'shop', name: 'Shop', number: 1, keys: [], settings: DEFAULT_APP_SETTINGS }

/** Two processes on one store. */
async function world(isShared: boolean): Promise<{ store: Store; here: Apps; there: Apps }> {
  const store = { ...memoryStore(), isShared }
  const [here, there] = [new Apps(store), new Apps(store)]
  await here.load()
  await here.save(SHOP)
  await there.load()
  return { store, here, there }
}

test('what another process changed is taken over when this one looks, new apps too', async () => {
  const { here, there } = await world(true)
  await here.save({ ...SHOP, name: 'Renamed' })
  await here.save({ ...SHOP, appId: 'cafe' })
  expect(there.all()).toEqual([SHOP])
  await there.refresh()
  expect(there.all()).toEqual([
    { ...SHOP, name: 'Renamed' },
    { ...SHOP, appId: 'cafe' },
  ])
})

test('a process alone with its store does not look', async () => {
  const { store, here } = await world(false)
  await store.saveApp({ ...SHOP, name: 'Renamed' })
  await here.refresh()
  expect(here.get('shop')?.app.name).toBe('Shop')
})

test('names that several processes meet add up, and leave what else an app is alone', async () => {
  const { store, here, there } = await world(true)
  await here.save({ ...SHOP, name: 'Renamed' })
  here.note(here.get('shop')!, [['event', 'A']])
  there.note(there.get('shop')!, [['event', 'B']])
  await Promise.all([here.settled(), there.settled()])
  const third = new Apps(store)
  await third.load()
  expect(['A', 'B', 'C'].map((name) => third.get('shop')?.names.has('event', name))).toEqual([true, true, false])
  expect(third.all()).toEqual([{ ...SHOP, name: 'Renamed' }])
})

test('names that were kept with an app are still known', async () => {
  const { store, here } = await world(true)
  here.note(here.get('shop')!, [['state', 'Old']])
  const names = here.get('shop')!.names.toJSON()
  await store.saveApp({ ...SHOP, appId: 'old', names })
  await here.refresh()
  expect(here.get('old')?.names.has('state', 'Old')).toBe(true)
})
