import { done, warned } from '@damson/core/protocol'
import { contentKind } from '../../content/snapshot.ts'
import { decideCampaign } from '../campaigns.ts'
import type { Decide } from '../scene.ts'

/**
 * `startCampaign` (specification 8.12): the messages of a campaign for one user, now. It is no run: whoever gets it this way
 * gets it in the next run, too. @source assumed: the warning, unknowns 90; that it is given for one that is not active
 */
export const startCampaign: Decide<'startCampaign'> = ({ subject }, { campaignId, values, force }, scene) => {
  const { services, common, at, now } = scene
  const { appId } = scene.app
  const campaign = services.catalog.of(appId, contentKind).campaigns.get(campaignId)
  if (campaign === undefined || campaign.source.state !== 'active') return warned('CAMPAIGN_NOT_FOUND')
  const { deviceId } = common
  const options = { force, ...(values !== undefined && { values }), toDevice: deviceId }
  decideCampaign(subject, campaign, { appId, services, deviceId, at, now }, options)
  return done()
}
