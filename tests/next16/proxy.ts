import { NextResponse, type NextRequest } from 'next/server'
import { damson } from './damson'

/** Composed with a proxy that was there before. */
export async function proxy(request: NextRequest) {
  const headers = new Headers(request.headers)
  headers.set('x-tenant', 'orchard')
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('x-frame-options', 'DENY')
  return damson.proxy(request, response)
}

export const config = {
  matcher: [
    { source: '/((?!_next/|api|damson/|.*\\.).*)', missing: [{ type: 'header', key: 'next-router-prefetch' }] },
  ],
}
