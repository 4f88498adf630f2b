import Link from 'next/link'

/** Of the Pages Router, and static: nothing about it depends on who asks. */
export default function Catalogue() {
  return (
    <nav>
      <h1>Catalogue</h1>
      <Link href="/orders">Orders</Link>
      <Link href="/about">About</Link>
    </nav>
  )
}
