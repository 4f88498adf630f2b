import { cookies } from 'next/headers'
import { itemOf, type Item } from './catalogue'

const CART_COOKIE = 'shop_cart'
const MAX_ITEMS = 20

/** The cart is a list of ids in a cookie; what is not in the catalogue is not in the cart. */
export async function readCart(): Promise<readonly Item[]> {
  const ids = (await cookies()).get(CART_COOKIE)?.value.split('.') ?? []
  return ids.flatMap((id) => itemOf(id) ?? []).slice(0, MAX_ITEMS)
}

export async function writeCart(items: readonly Item[]): Promise<void> {
  const value = items.slice(-MAX_ITEMS).map((item) => item.id)
  ;(await cookies()).set(CART_COOKIE, value.join('.'), { httpOnly: true, sameSite: 'lax' })
}

export const totalOf = (items: readonly Item[]): number =>
  Math.round(items.reduce((sum, item) => sum + item.price, 0) * 100) / 100
