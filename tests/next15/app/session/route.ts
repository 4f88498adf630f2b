import { damson } from '../../damson'

export const GET = damson.withTracking((_request, _context, tracker) =>
  Response.json({ device: tracker?.deviceId ?? null }),
)
