import { damson } from '../../../damson'

export const { GET, POST } = damson.handlers
