import { createHmac, timingSafeEqual } from 'node:crypto'
import type { NextFunction, Request, Response } from 'express'
import { findProduct, type Product } from './catalogue.ts'

/** What the shop itself remembers of a browser, as a shop would: nothing of Damson's. */
export interface Customer {
  readonly name: string | null
  readonly cart: readonly Product[]
}

export interface Customers {
  middleware(request: Request, response: Response, next: NextFunction): void
  of(request: Request): Customer
  /** For the rest of this request, and for whatever process gets the next one: it is kept in the browser's cookie. */
  change(request: Request, response: Response, fields: Partial<Customer>): void
}

const COOKIE = 'shop'
const MAX_CART = 50
const STRANGER: Customer = { name: null, cart: [] }

export function createCustomers(secret: string, isSecure: boolean): Customers {
  const byRequest = new WeakMap<Request, Customer>()
  const of = (request: Request) => byRequest.get(request) ?? STRANGER
  const signatureOf = (text: string) => createHmac('sha256', secret).update(text).digest()

  function read(value: string): Customer {
    const [text = '', signature = ''] = value.split('.')
    const [found, right] = [Buffer.from(signature, 'base64url'), signatureOf(text)]
    if (found.length !== right.length || !timingSafeEqual(found, right)) return STRANGER
    // Signed, so it is what we wrote.
    const [name, ids] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [string | null, string[]]
    return { name, cart: ids.flatMap((id) => findProduct(id) ?? []) }
  }

  function write({ name, cart }: Customer): string {
    const text = Buffer.from(JSON.stringify([name, cart.map(({ id }) => id)])).toString('base64url')
    return `${text}.${signatureOf(text).toString('base64url')}`
  }

  return {
    middleware(request, _response, next) {
      const value = new RegExp(`(?:^|; )${COOKIE}=([\\w.-]+)`).exec(request.headers.cookie ?? '')?.[1]
      if (value !== undefined) byRequest.set(request, read(value))
      next()
    },
    of,
    change(request, response, fields) {
      const customer = { ...of(request), ...fields }
      byRequest.set(request, customer)
      response.cookie(COOKIE, write(customer), { httpOnly: true, sameSite: 'lax', secure: isSecure })
    },
  }
}

/** The cart with this product, and the product; `null` for one we do not have, or when the cart is full. */
export function withProduct(cart: Customer['cart'], id: unknown): { cart: Customer['cart']; product: Product } | null {
  const product = findProduct(id)
  return product === undefined || cart.length >= MAX_CART ? null : { cart: [...cart, product], product }
}
