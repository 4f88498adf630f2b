import { engineHandlers } from '@damson/next'
import { createServer, memoryStore } from '@damson/server'

const keys = { production: ['prod_inside'] }
const server = createServer({ store: memoryStore(), apps: [{ appId: 'app_inside', name: 'Inside', keys }] })

export const { GET, POST, OPTIONS, HEAD } = engineHandlers(server)
