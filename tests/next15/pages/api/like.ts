import type { NextApiRequest, NextApiResponse } from 'next'
import { damson } from '../../damson'

export default async function like(request: NextApiRequest, response: NextApiResponse): Promise<void> {
  const tracker = await damson.trackerOf(request)
  await tracker?.track('Liked')
  response.json({ device: tracker?.deviceId ?? null })
}
