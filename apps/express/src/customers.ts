import { randomUUID } from 'node:crypto'
import type { NextFunction, Request, Response } from 'express'
import { findProduct, type Product } from './catalogue.ts'

/** What the shop itself remembers of a browser, as a shop would: nothing of Damson's. */
export interface Customer {
  name: string | null
  cart: readonly Product[]
}

const COOKIE = 'shop'
/** In memory, and bounded: it is an example. */
const MAX_CUSTOMERS = 10_000

export interface Customers {
  middleware(request: Request, response: Response, next: NextFunction): void
  of(request: Request): Customer
}

export function createCustomers(isSecure: boolean): Customers {
  const byId = new Map<string, Customer>()
  const byRequest = new WeakMap<Request, Customer>()
  return {
    middleware(request, response, next) {
      const id = new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(request.headers.cookie ?? '')?.[1]
      const known = id === undefined ? undefined : byId.get(id)
      const customer = known ?? { name: null, cart: [] }
      if (known === undefined && request.accepts('html') && request.method === 'GET' && request.path === '/') {
        const fresh = randomUUID()
        byId.set(fresh, customer)
        if (byId.size > MAX_CUSTOMERS) byId.delete(byId.keys().next().value as string)
        response.cookie(COOKIE, fresh, { httpOnly: true, sameSite: 'lax', secure: isSecure })
      }
      byRequest.set(request, customer)
      next()
    },
    of: (request) => byRequest.get(request) ?? { name: null, cart: [] },
  }
}

export function addToCart(customer: Customer, id: unknown): Product | null {
  const product = findProduct(id)
  if (product === undefined || customer.cart.length >= 50) return null
  customer.cart = [...customer.cart, product]
  return product
}
