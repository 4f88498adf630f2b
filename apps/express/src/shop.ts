import { damson, errorTracking, getSession, getTracker, logout, type DamsonOptions } from '@damson/express'
import { toNodeListener } from '@damson/server/node'
import express, { type Express, type Request } from 'express'
import type { Analytics } from './analytics.ts'
import { PANEL, STYLE } from './assets.ts'
import { CURRENCY, priceOf } from './catalogue.ts'
import { addToCart, createCustomers } from './customers.ts'
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
  const customers = createCustomers(isSecure)
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
      customers.of(request).name = name
      void getTracker(request).setUserAttributes({ name })
    }
    response.redirect(303, '/')
  })

  app.post('/sign-out', async (request, response) => {
    await logout(request)
    Object.assign(customers.of(request), { name: null, cart: [] })
    response.redirect(303, '/')
  })

  app.post('/cart', (request, response) => {
    const product = addToCart(customers.of(request), formField(request, 'product'))
    if (product !== null) void getTracker(request).track('Added to cart', { product: product.id, price: product.price })
    response.redirect(303, '/')
  })

  app.post('/buy', (request, response) => {
    const customer = customers.of(request)
    if (customer.cart.length === 0) return response.redirect(303, '/')
    const params = { products: customer.cart.map(({ id }) => id).join(' '), items: customer.cart.length }
    const sale = { value: priceOf(customer.cart), currencyCode: CURRENCY, urgent: true }
    void getTracker(request).track('Purchase', params, sale)
    customer.cart = []
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
