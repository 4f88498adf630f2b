import { damson, errorTracking, getSession, getTracker, logout, type DamsonOptions } from '@damson/express'
import { toNodeListener } from '@damson/server/node'
import express, { type Express, type Request } from 'express'
import type { Analytics } from './analytics.ts'
import { PANEL, STYLE } from './assets.ts'
import { CURRENCY, priceOf } from './catalogue.ts'
import { createCustomers, withProduct } from './customers.ts'
import { shopPage } from './pages.ts'

export interface ShopOptions {
  readonly analytics: Analytics
  readonly secrets: readonly string[]
  /** Behind TLS. Without it cookies work over plain HTTP, on a developer's machine. */
  readonly isSecure: boolean
  readonly damson?: Partial<DamsonOptions<Request>>
}

export function createShop({ analytics, secrets, isSecure, ...options }: ShopOptions): Express {
  const { client, server, facts } = analytics
  const customers = createCustomers(secrets[0] ?? '', isSecure)
  const app = express()
  app.disable('x-powered-by')

  // The engine's own API, for anybody with a key. Before the rest: it reads bodies itself.
  if (server !== null) app.use('/api', toNodeListener(server))

  app.get('/style.css', (_request, response) => void response.type('css').send(STYLE))
  app.get('/panel.js', (_request, response) => void response.type('js').send(PANEL))
  app.use(customers.middleware)
  app.use(
    damson(client, {
      secrets,
      cookie: { secure: isSecure },
      identify: (request: Request) => customers.of(request).name,
      // The panel asks twice a second: that is no sign of life.
      ignore: ({ path }) => path === '/session',
      trackRequests: true,
      ...options.damson,
    }),
  )
  app.use(express.urlencoded({ extended: false, limit: '10kb' }))

  app.get('/', (request, response) => {
    const notice = typeof request.query['bought'] === 'string' ? 'Thank you! It is on its way.' : null
    response.send(shopPage(customers.of(request), notice))
  })

  app.post('/sign-in', (request, response) => {
    const name = formField(request, 'name').trim().slice(0, 40)
    if (name !== '') {
      customers.change(request, response, { name })
      void getTracker(request).setUserAttributes({ name })
    }
    response.redirect(303, '/')
  })

  app.post('/sign-out', async (request, response) => {
    await logout(request)
    customers.change(request, response, { name: null, cart: [] })
    response.redirect(303, '/')
  })

  app.post('/cart', (request, response) => {
    const added = withProduct(customers.of(request).cart, formField(request, 'product'))
    if (added !== null) {
      const { cart, product } = added
      customers.change(request, response, { cart })
      void getTracker(request).track('Added to cart', { product: product.id, price: product.price })
    }
    response.redirect(303, '/')
  })

  app.post('/buy', (request, response) => {
    const { cart } = customers.of(request)
    if (cart.length === 0) return response.redirect(303, '/')
    const params = { products: cart.map(({ id }) => id).join(' '), items: cart.length }
    void getTracker(request).track('Purchase', params, { value: priceOf(cart), currencyCode: CURRENCY, urgent: true })
    customers.change(request, response, { cart: [] })
    response.redirect(303, '/?bought')
  })

  app.get('/session', async (request, response) => {
    const { userId, deviceId } = getTracker(request)
    const session = getSession(request)
    const isRunning = session?.phase === 'active'
    response.json({
      who: userId ?? 'a visitor',
      phase: session?.phase ?? 'none',
      // An active session is being looked at right now.
      activeMs: session === null ? 0 : session.activeMs + (isRunning ? Date.now() - session.lastActivityAt : 0),
      facts: await facts(userId ?? deviceId ?? ''),
    })
  })

  app.use(errorTracking(client))
  return app
}

function formField(request: Request, name: string): string {
  const value = (request.body as Readonly<Record<string, unknown>> | undefined)?.[name]
  return typeof value === 'string' ? value : ''
}
