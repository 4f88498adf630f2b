import type { Fact, FactType } from './syntax.ts'

/** The fields of what has fields, and what kind of value each one has. */
export const FIELDS = {
  tally: { count: 'number', value: 'number', first: 'instant', last: 'instant' },
  device: {
    id: 'text',
    appVersion: 'version',
    systemName: 'text',
    systemVersion: 'version',
    browserName: 'text',
    browserVersion: 'version',
    deviceName: 'text',
    deviceModel: 'text',
  },
  app: { version: 'version' },
  place: { country: 'text', region: 'text', city: 'text', locale: 'text', timezone: 'text' },
  session: { count: 'number', seconds: 'number', active: 'boolean' },
  user: { id: 'text', bucket: 'number', created: 'instant', lastActive: 'instant', developer: 'boolean' },
  source: {
    publisherId: 'text',
    publisherName: 'text',
    publisherSubPublisher: 'text',
    publisherSubSite: 'text',
    publisherSubCampaign: 'text',
    publisherSubAdGroup: 'text',
    publisherSubAd: 'text',
  },
} as const satisfies Record<string, Record<string, FactType>>

export function typeOf(fact: Fact): FactType {
  switch (fact.of) {
    case 'attribute':
      return 'any'
    case 'event':
    case 'state':
      return FIELDS.tally[fact.field]
    case 'device':
      return (FIELDS.device as Readonly<Record<string, FactType>>)[fact.field] ?? 'text'
    case 'place':
      return FIELDS.place[fact.field]
    case 'distance':
    case 'test':
      return 'number'
    case 'session':
      return FIELDS.session[fact.field]
    case 'user':
      return FIELDS.user[fact.field]
    case 'source':
      return 'text'
  }
}
