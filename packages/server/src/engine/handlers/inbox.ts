import { done } from '@damson/core/protocol'
import { deleteInboxItem, readInboxItem, toldInbox } from '../inbox.ts'
import type { Decide, Query } from '../scene.ts'

/** `getNewsfeedMessages` (specification 8.12): reading the inbox is no activity of the user's. */
export const getNewsfeedMessages: Query<'getNewsfeedMessages'> = ({ profile }, _args, { now }) =>
  done({ newsfeedMessages: toldInbox(profile, now) })

export const markNewsfeedMessageAsRead: Decide<'markNewsfeedMessageAsRead'> = ({ subject }, { newsfeedMessageId }) => {
  readInboxItem(subject, newsfeedMessageId)
  return done()
}

export const deleteNewsfeedMessage: Decide<'deleteNewsfeedMessage'> = ({ subject }, { newsfeedMessageId }) => {
  deleteInboxItem(subject, newsfeedMessageId)
  return done()
}
