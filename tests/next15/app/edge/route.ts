import { damson } from '../../damson-edge'

export const runtime = 'edge'

export const GET = damson.withTracking(async (_request, _context, tracker) => {
  await tracker?.track('Edge asked')
  return Response.json({ device: tracker?.deviceId ?? null, runtime: process.env.NEXT_RUNTIME })
})
