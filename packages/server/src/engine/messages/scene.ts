import type { Scene } from '../scene.ts'
import type { MessageScene } from './decide.ts'

/** What of an action's scene decides about messages. */
export function messageSceneOf({ app, services, common, at, now }: Scene): MessageScene {
  return { appId: app.appId, services, deviceId: common.deviceId, at, now }
}
