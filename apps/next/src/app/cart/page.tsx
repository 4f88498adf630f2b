import { euros } from '../../lib/catalogue'
import { readCart, totalOf } from '../../lib/cart'
import { damson } from '../../lib/damson'
import { buy } from '../actions'

export default async function Cart() {
  const items = await readCart()
  const tracker = await damson.getTracker()
  await tracker?.track('Cart viewed', { items: items.length })
  if (items.length === 0) return <h1>Your cart is empty</h1>
  return (
    <>
      <h1>Your cart</h1>
      <ul className="lines">
        {items.map(({ id, name, price }, place) => (
          <li key={`${place}-${id}`}>
            {name} <em>{euros(price)}</em>
          </li>
        ))}
      </ul>
      <form action={buy}>
        <button>Buy · {euros(totalOf(items))}</button>
      </form>
    </>
  )
}
