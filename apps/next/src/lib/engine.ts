import { createServer, memoryStore, type Server } from '@damson/server'
import { once } from './once'

/** The shop that serves itself, to itself. This key can only tell what happened; `SHOP_EXPORT_KEY` may also ask. */
export const KEYS = { appId: 'app_shop', production: 'prod_shop' }

/** The whole server, in this process; it forgets when the process ends. */
export function engine(): Server {
  return once('engine', () => {
    const exportKey = process.env['SHOP_EXPORT_KEY']
    const keys = { production: [KEYS.production], dataExport: exportKey === undefined ? [] : [exportKey] }
    const settings = { preferredCurrency: 'EUR' }
    const server = createServer({ store: memoryStore(), apps: [{ appId: KEYS.appId, name: 'Shop', keys, settings }] })
    void server.start()
    return server
  })
}
