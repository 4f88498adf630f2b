import { done, type Outcome, warned } from '@damson/core/protocol'
import type { SessionCommand, Transition } from '@damson/core/session'
import { chooseLane } from '@damson/core/session'
import { setAttributes } from '../attributes.ts'
import { startContent } from '../content.ts'
import { setDevice, withVersion } from '../devices.ts'
import { noting } from '../params.ts'
import { setPlace } from '../place.ts'
import type { Cast, Decide, Scene } from '../scene.ts'
import { type Details, perform, settle } from '../story.ts'

/** Folds a command into the lane it concerns (specification 6.2). */
export function inLane({ subject }: Cast, command: SessionCommand, scene: Scene, details?: Details): Transition {
  const { common, at, services } = scene
  const lane = chooseLane(subject.profile.sessions, common.deviceId, command.type, at, services.rules)
  return perform(subject, lane, command, at, services.rules, details)
}

function answered({ answer }: Transition): Outcome {
  return answer.as === 'noSession' ? warned('NO_ACTIVE_SESSION') : done()
}

/** `start` (specification 8.1): first what it says of the user and the device, then the session, then the content. */
export const start: Decide<'start'> = (cast, args, scene) => {
  const { common, services } = scene
  settle(cast.subject, scene.at, services.rules)
  const ofNames = setAttributes(cast.subject, args.userAttributes, cast, scene)
  const ofPlace = setPlace(cast.subject, args, scene)
  setDevice(cast.subject, common.deviceId, withVersion(args, scene))
  const { client, sdkVersion } = common
  inLane(cast, { type: args.background ? 'startInBackground' : 'start', id: services.ids.take() }, scene, {
    ...(client !== null && { client }),
    ...(sdkVersion !== null && { sdkVersion }),
  })
  return noting(done(startContent(cast.subject, scene, args)), ofNames ?? ofPlace)
}

export const restart: Decide<'restart'> = start

export const stop: Decide<'stop'> = (cast, _args, scene) => answered(inLane(cast, { type: 'stop' }, scene))

export const pauseSession: Decide<'pauseSession'> = (cast, _args, scene) =>
  answered(inLane(cast, { type: 'pause' }, scene))

export const resumeSession: Decide<'resumeSession'> = (cast, _args, scene) =>
  answered(inLane(cast, { type: 'resume', id: scene.services.ids.take() }, scene))

export const heartbeat: Decide<'heartbeat'> = (cast, _args, scene) =>
  answered(inLane(cast, { type: 'heartbeat' }, scene))

export const pauseState: Decide<'pauseState'> = (cast, _args, scene) =>
  answered(inLane(cast, { type: 'pauseState' }, scene))

export const resumeState: Decide<'resumeState'> = (cast, _args, scene) =>
  answered(inLane(cast, { type: 'resumeState' }, scene))
