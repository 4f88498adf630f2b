import Link from 'next/link'

/** Fetched ahead as a file of data, which costs a request that nobody is to be counted for. */
export const getStaticProps = () => ({ props: { since: 1786 } })

export default function About({ since }: { readonly since: number }) {
  return (
    <>
      <h1>Since {since}</h1>
      <Link href="/orders">Orders</Link>
    </>
  )
}
