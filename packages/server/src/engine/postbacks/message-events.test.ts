import { MESSAGE_CHANNELS, type MessageChannel } from '@damson/core/protocol'
import { describe, expect, test } from 'vitest'
import { type KnownMessage, messageEvent } from './message-events.ts'

const known = (channel: MessageChannel, template = ''): KnownMessage => ({ channel, template })
const firesOn = (event: string, message: KnownMessage | null) => messageEvent(event, message, MESSAGE_CHANNELS).channels

describe('the events of a channel', () => {
  test.each(['', 'Sent', 'Send', 'Open', 'Held Back'])("push: '%s'", (event) => {
    expect(firesOn(event, known('Push Notification'))).toEqual(['Push Notification'])
  })
  test.each([
    '',
    'Deferred',
    'Delivered',
    'Bounce',
    'Open',
    'Click',
    'Marked as spam',
    'Dropped',
    'Unsubscribe',
    'held back',
  ])("email: '%s'", (event) => expect(firesOn(event, known('Email'))).toEqual(['Email']))
  test.each([
    ['Center Popup', ['', 'View', 'Held Back', 'Accept']],
    ['Confirm', ['Accept']],
    ['Interstitial', ['Accept']],
    ['Rich interstitial', ['Select Button 1', 'Select Button 2']],
    ['Satisfaction Survey', ['Submit']],
    ['Banner', ['Select']],
    ['A template of our own', ['Accept', 'Submit', 'Select']],
  ])('in-app, %s: %j', (template, events) => {
    for (const event of events) expect(firesOn(event, known('In-app Message', template))).toEqual(['In-app Message'])
  })
  test.each([
    ['Click', known('Push Notification')],
    ['Accept', known('Email')],
    ['View', known('Push Notification')],
    ['Accept', known('In-app Message', 'Banner')],
    ['Cancel', known('In-app Message', 'Confirm')],
    ['Dismiss', null],
  ])("'%s' is none of %j", (event, message) => expect(firesOn(event, message)).toEqual([]))
})

test('a message we know nothing of has the channel that its event tells, if one does', () => {
  expect(firesOn('Click', null)).toEqual(['Email'])
  expect(firesOn('Submit', null)).toEqual(['In-app Message'])
  expect(firesOn('Open', null)).toEqual(['Push Notification', 'Email'])
})

test('the empty event is a Send, and of an in-app message a View', () => {
  expect(messageEvent('', known('Email'), MESSAGE_CHANNELS).event).toBe('Send')
  expect(messageEvent('', known('In-app Message'), MESSAGE_CHANNELS).event).toBe('View')
  expect(messageEvent('', null, MESSAGE_CHANNELS)).toMatchObject({ event: 'Send' })
  expect(messageEvent('', null, ['In-app Message'])).toEqual({ event: 'View', channels: ['In-app Message'] })
})
