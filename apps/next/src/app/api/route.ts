import { engineHandlers } from '@damson/next'
import { engine } from '../../lib/engine'

/** The Leanplum API, for whatever else you have: a phone app, a script, the official SDKs. */
export const { GET, POST, OPTIONS, HEAD } = engineHandlers({ fetch: (request) => engine().fetch(request) })
