import { done, failed, MAX_POSTBACKS, MESSAGE_CHANNELS } from '@damson/core/protocol'
import { POSTBACKS, type PostbackRule } from '../postbacks/rules.ts'
import { compileTemplate } from '../postbacks/template.ts'
import type { AppQuery } from './index.ts'

/** `addPostback` (specification 8.9). Decided alone with the rules of the app, so that no more than three ever stand. */
export const addPostback: AppQuery<'addPostback'> = async (args, { app: { appId }, now }, { catalog, signing }) => {
  const { type, channels, postbackUrl: url } = args
  if (typeof compileTemplate(url) === 'string') return failed('INVALID_ARGUMENT', { name: 'postbackUrl' })
  const added = await catalog.change(appId, POSTBACKS, ({ revision, documents }) => {
    const slot = SLOTS.find((name) => !documents.has(name))
    if (slot === undefined) return { answer: null }
    // The revision grows with every change, so an id is never given twice.
    const id = revision + 1
    const rule: PostbackRule = {
      id,
      type,
      channels: channels.length === 0 ? MESSAGE_CHANNELS : channels,
      url,
      createdAt: now,
    }
    return { answer: id, put: { [slot]: rule } }
  })
  if (added === null) return failed('TOO_MANY_POSTBACKS')
  const signingSecret = signing?.secretOf(appId, POSTBACKS.name, added)
  return done({ postbackId: added, ...(signingSecret !== undefined && { signingSecret }) })
}

export const listPostbacks: AppQuery<'listPostbacks'> = async (_args, { app }, { store }) => {
  const { documents } = await store.documents(app.appId, POSTBACKS.name)
  // Every document of this kind is a rule.
  const rules = [...documents.values()] as PostbackRule[]
  const postbacks = rules.map(({ id: postbackId, type, url: postbackUrl, channels }) => ({
    postbackId,
    type,
    postbackUrl,
    ...(type === 'messageEvents' && { channels }),
  }))
  return done({ postbacks: postbacks.toSorted((one, two) => one.postbackId - two.postbackId) })
}

export const deletePostback: AppQuery<'deletePostback'> = async ({ postbackId }, { app }, { catalog }) => {
  const isGone = await catalog.change(app.appId, POSTBACKS, ({ documents }) => {
    const found = [...documents].find(([, rule]) => (rule as PostbackRule).id === postbackId)
    return found === undefined ? { answer: false } : { answer: true, put: { [found[0]]: null } }
  })
  return isGone ? done() : failed('POSTBACK_NOT_FOUND')
}

/** The three places a rule of an app may have: a fourth has nowhere to stand. */
const SLOTS = Array.from({ length: MAX_POSTBACKS }, (_, index) => `slot ${index + 1}`)
