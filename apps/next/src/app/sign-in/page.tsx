import { headers } from 'next/headers'
import { accountOf } from '../../lib/account'
import { signIn, signOut } from '../actions'

export default async function SignIn() {
  const name = accountOf((await headers()).get('cookie'))
  if (name !== null) {
    return (
      <>
        <h1>Hello, {name}</h1>
        <form action={signOut}>
          <button>Sign out</button>
        </form>
      </>
    )
  }
  return (
    <>
      <h1>Who are you?</h1>
      <form action={signIn}>
        <input name="name" placeholder="Your name" aria-label="Your name" required maxLength={40} />
        <button>Sign in</button>
      </form>
    </>
  )
}
