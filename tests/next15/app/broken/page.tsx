import { headers } from 'next/headers'

export default async function Broken() {
  await headers()
  throw new Error('the password was hunter2')
}
