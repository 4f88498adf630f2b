import type { GetServerSideProps } from 'next'
import Link from 'next/link'
import { damson } from '../damson'

interface OrdersProps {
  readonly open: number
}

export const getServerSideProps: GetServerSideProps<OrdersProps> = async ({ req }) => {
  const tracker = await damson.trackerOf(req)
  await tracker?.track('Orders viewed', { open: 3 })
  return { props: { open: 3 } }
}

export default function Orders({ open }: OrdersProps) {
  return (
    <>
      <h1>{open} orders</h1>
      <Link href="/about">About</Link>
    </>
  )
}
