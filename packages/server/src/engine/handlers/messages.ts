import { done, failed, warned } from '@damson/core/protocol'
import { campaignOf } from '../../content/campaigns.ts'
import { toldMessage, visibleMessages } from '../../content/messages/told.ts'
import { contentKind } from '../../content/snapshot.ts'
import { decideMessage } from '../messages/decide.ts'
import { messageSceneOf } from '../messages/scene.ts'
import type { Decide } from '../scene.ts'
import type { AppQuery } from './index.ts'

/** `sendMessage` (specification 8.12). By a user id it goes to all devices, with a device id to that one. */
export const sendMessage: Decide<'sendMessage'> = ({ subject }, { messageId, values, force }, scene) => {
  const { messages } = scene.services.catalog.of(scene.app.appId, contentKind)
  const message = /^\d+$/.test(messageId) ? messages.byId.get(Number(messageId)) : undefined
  if (message === undefined) return warned('MESSAGE_ENTITY_NOT_FOUND')
  const decided = decideMessage(subject, message, messageSceneOf(scene), {
    force,
    ...(values !== undefined && { values }),
    toDevice: scene.common.deviceId,
  })
  // @source observed: both answers but the text of the second (unknowns 89)
  return decided.as === 'sent'
    ? done({ result: 'Message sent', messagesSent: decided.sent })
    : done({ result: 'Message not sent', messagesSent: 0 })
}

export const getMessages: AppQuery<'getMessages'> = (args, { app, services, now }) => {
  const { messages, campaigns } = services.catalog.of(app.appId, contentKind)
  const visible = visibleMessages(messages, args, now)
  return done({ messages: visible.map((one) => toldMessage(one, campaignOf(campaigns, one.id, args), now)) })
}

export const getMessage: AppQuery<'getMessage'> = ({ id, includeDrafts }, { app, services, now }) => {
  const { messages, campaigns } = services.catalog.of(app.appId, contentKind)
  const message = visibleMessages(messages, { includeDrafts, recent: false }, now).find((one) => one.id === id)
  if (message === undefined) return failed('MESSAGE_NOT_FOUND')
  return done({ message: toldMessage(message, campaignOf(campaigns, id, { includeDrafts }), now) })
}

export const getUnsubscribeCategories: AppQuery<'getUnsubscribeCategories'> = (_, { app, services }) =>
  done({ categories: services.catalog.of(app.appId, contentKind).messages.categories })
