import { done } from '@damson/core/protocol'
import { content } from '../content.ts'
import type { Query } from '../scene.ts'

/** `getVars` (specification 8.2): the content of `start`, without a session. */
export const getVars: Query<'getVars'> = () => done(content())
