import { expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import { Catalog, type CatalogKind } from './catalog.ts'

let compiled = 0
const NAMES: CatalogKind<readonly string[]> = {
  name: 'name',
  compile: (documents) => {
    compiled += 1
    return [...documents.keys()]
  },
}

test('an app without documents has what nothing comes to', () => {
  expect(new Catalog(memoryStore(), [NAMES]).of('app', NAMES)).toEqual([])
})

test('a change is there for whoever made it at once, and for others when they look', async () => {
  const store = memoryStore()
  const [here, there] = [new Catalog(store, [NAMES]), new Catalog(store, [NAMES])]
  expect(await here.change('app', NAMES, () => ({ answer: 'yes', put: { a: 1 } }))).toBe('yes')
  expect(here.of('app', NAMES)).toEqual(['a'])
  expect(here.of('other', NAMES)).toEqual([])
  expect(there.of('app', NAMES)).toEqual([])
  await there.refresh()
  expect(there.of('app', NAMES)).toEqual(['a'])
})

test('what did not change is not compiled again, and kinds nobody asks for are left alone', async () => {
  const store = memoryStore()
  const catalog = new Catalog(store, [NAMES])
  await store.changeDocuments('app', 'name', () => ({ answer: null, put: { a: 1 } }))
  await store.changeDocuments('app', 'job', () => ({ answer: null, put: { a: 1 } }))
  await catalog.refresh()
  const before = compiled
  await catalog.refresh()
  expect(compiled).toBe(before)
  await store.changeDocuments('app', 'name', () => ({ answer: null, put: { b: 1 } }))
  await Promise.all([catalog.refresh(), catalog.refresh()])
  expect([catalog.of('app', NAMES), compiled]).toEqual([['a', 'b'], before + 1])
})
