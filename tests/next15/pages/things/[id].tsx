import { useRouter } from 'next/router'

/** Static, though its path is not known until the browser reads it. */
export default function Thing() {
  return <h1>Thing {useRouter().query['id']}</h1>
}
