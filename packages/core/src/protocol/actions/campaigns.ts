import { action } from '../define.ts'
import { wire } from '../wire.ts'

export const campaigns = {
  startCampaign: action({
    scope: 'profile',
    keys: ['development'],
    createDisposition: 'CreateNever',
    methods: ['GET', 'POST'],
    summary: 'Sends the messages of a campaign to one user now.',
    section: '8.12',
    args: {
      campaignId: wire.integer().required().describe('The id of the campaign.'),
      values: wire.object().describe("What the templates of its messages say for `{{ value['name'] }}`, by name."),
      force: wire.boolean().default(false).describe('Whether users get it whom it and its messages are not meant for.'),
    },
  }),
}
