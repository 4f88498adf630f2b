import { done } from '@damson/core/protocol'
import { CHANNELS, toldChannels, withChannel, withoutChannel } from '../notification-channels.ts'
import type { AppQuery } from './index.ts'

/** `addAndroidNotificationChannel` (specification 8.12). Decided alone with the channels of the app. */
export const addAndroidNotificationChannel: AppQuery<'addAndroidNotificationChannel'> = (args, { app }, { catalog }) =>
  catalog.change(app.appId, CHANNELS, (set) => withChannel(args, set))

export const getAndroidNotificationChannels: AppQuery<'getAndroidNotificationChannels'> = (_args, scene) =>
  done({ notificationChannels: toldChannels(scene.services.catalog.of(scene.app.appId, CHANNELS)) })

export const deleteAndroidNotificationChannel: AppQuery<'deleteAndroidNotificationChannel'> = (
  { channelId },
  { app },
  { catalog },
) => catalog.change(app.appId, CHANNELS, (set) => withoutChannel(channelId, set))
