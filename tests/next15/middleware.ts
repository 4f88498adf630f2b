import { NextResponse, type NextRequest } from 'next/server'
// Before version 16 this runs on the edge, in a world of its own.
import { damson } from './damson-edge'

/** Composed with a middleware that was there before. */
export async function middleware(request: NextRequest) {
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
