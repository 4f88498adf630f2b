import { createDamson } from '@damson/next/edge'
import { NextResponse, type NextRequest } from 'next/server'

// Before version 16 this runs on the edge, in a world of its own.
const { DAMSON_ENDPOINT, DAMSON_APP_ID, DAMSON_CLIENT_KEY, DAMSON_SECRET } = process.env

const damson = createDamson({
  client: {
    endpoint: DAMSON_ENDPOINT ?? '',
    appId: DAMSON_APP_ID ?? '',
    clientKey: DAMSON_CLIENT_KEY ?? '',
  },
  secrets: [DAMSON_SECRET ?? ''],
})

/** Composed with a middleware that was there before. */
export async function middleware(request: NextRequest) {
  const headers = new Headers(request.headers)
  headers.set('x-tenant', 'orchard')
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('x-frame-options', 'DENY')
  return damson.proxy(request, response)
}

export const config = {
  matcher: [{ source: '/((?!_next/|damson/|.*\\.).*)', missing: [{ type: 'header', key: 'next-router-prefetch' }] }],
}
