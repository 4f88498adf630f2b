import Link from 'next/link'
import type { CSSProperties } from 'react'
import { euros, ITEMS } from '../lib/catalogue'

export default function Catalogue() {
  return (
    <>
      <h1>From one tree</h1>
      <ul className="items">
        {ITEMS.map(({ id, name, taste, price, colours: [from, to] }) => (
          <li key={id}>
            <Link href={`/items/${id}`}>
              <i style={{ '--from': from, '--to': to } as CSSProperties} />
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
