import { notFound } from 'next/navigation'
import { euros, itemOf, ITEMS } from '../../../lib/catalogue'
import { addToCart } from '../../actions'

export const generateStaticParams = () => ITEMS.map(({ id }) => ({ id }))

export default async function ItemPage({ params }: { readonly params: Promise<{ id: string }> }) {
  const item = itemOf((await params).id)
  if (item === undefined) notFound()
  return (
    <article>
      <h1>{item.name}</h1>
      <p>{item.taste}</p>
      <form action={addToCart}>
        <input type="hidden" name="item" value={item.id} />
        <button>Add to cart · {euros(item.price)}</button>
      </form>
    </article>
  )
}
