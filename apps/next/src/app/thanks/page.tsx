import Link from 'next/link'

export default function Thanks() {
  return (
    <>
      <h1>It is yours</h1>
      <p>
        We pick it when it is ripe. <Link href="/">Back to the tree</Link>
      </p>
    </>
  )
}
