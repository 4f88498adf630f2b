import { damson } from './lib/damson'

export const proxy = damson.proxy

export const config = {
  matcher: [
    {
      // Pages and actions; no files. What the router fetches ahead stays outside, so nobody is counted who only might come.
      source: '/((?!_next/|api|damson/|.*\\.).*)',
      missing: [{ type: 'header', key: 'next-router-prefetch' }],
    },
  ],
}
