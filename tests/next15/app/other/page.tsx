import { headers } from 'next/headers'
import { damson } from '../../damson'
import { vote } from '../actions'

export default async function Other() {
  const tenant = (await headers()).get('x-tenant') ?? 'none'
  const tracker = await damson.getTracker()
  await tracker?.track('Other viewed', { tenant })
  return (
    <form action={vote}>
      <button>Vote in the {tenant}</button>
    </form>
  )
}
