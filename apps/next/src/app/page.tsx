import Link from 'next/link'
import { euros, ITEMS } from '../lib/catalogue'

export default function Catalogue() {
  return (
    <>
      <h1>From one tree</h1>
      <ul className="items">
        {ITEMS.map(({ id, name, taste, price }) => (
          <li key={id}>
            <Link href={`/items/${id}`}>
              <strong>{name}</strong>
              <span>{taste}</span>
              <em>{euros(price)}</em>
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}
