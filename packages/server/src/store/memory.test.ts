import { storeConformance } from '../conformance/store-conformance.ts'
import { memoryStore } from './memory.ts'

storeConformance('memory', async (options) => ({ store: memoryStore(options) }))
storeConformance('memory with a tiny cache', async (options) => ({
  store: memoryStore({ ...options, cachedProfiles: 16 }),
}))
