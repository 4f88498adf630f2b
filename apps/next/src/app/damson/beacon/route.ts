import { damson } from '../../../lib/damson'

export const { GET, POST } = damson.handlers
