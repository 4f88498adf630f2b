'use server'

import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'
import { ACCOUNT_COOKIE, openAccount } from '../lib/account'
import { readCart, totalOf, writeCart } from '../lib/cart'
import { CURRENCY, itemOf } from '../lib/catalogue'
import { damson } from '../lib/damson'

export const addToCart = damson.trackAction(
  'Added to cart',
  async (form: FormData) => {
    const item = itemOf(String(form.get('item')))
    if (item === undefined) return
    await writeCart([...(await readCart()), item])
    redirect('/cart')
  },
  (_result, form) => ({ params: { item: String(form.get('item')) } }),
)

export async function buy(): Promise<void> {
  const items = await readCart()
  if (items.length > 0) {
    await writeCart([])
    const tracker = await damson.getTracker()
    await tracker?.track('Purchase', { items: items.length }, { value: totalOf(items), currencyCode: CURRENCY })
  }
  redirect('/thanks')
}

export async function signIn(form: FormData): Promise<void> {
  const name = String(form.get('name')).trim().slice(0, 40)
  if (name === '') return
  const token = openAccount(name)
  ;(await cookies()).set(ACCOUNT_COOKIE, token, { httpOnly: true, sameSite: 'lax' })
  redirect('/')
}

export async function signOut(): Promise<void> {
  // Before the cookie goes: it is this user's session that ends.
  await damson.logout()
  ;(await cookies()).delete(ACCOUNT_COOKIE)
  redirect('/')
}
