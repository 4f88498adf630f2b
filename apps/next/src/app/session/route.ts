import { damson } from '../../lib/damson'

/** What the panel shows: the session as the client in this process believes it to be. */
export const GET = damson.withTracking((_request, _context, tracker) =>
  Response.json({
    user: tracker?.userId ?? null,
    device: tracker?.deviceId ?? null,
    session: tracker?.session ?? null,
    sent: damson.client().stats().sent,
  }),
)
