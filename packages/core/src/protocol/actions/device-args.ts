import { wire } from '../wire.ts'

/** What may be said of a device (specification 7.6). The SDKs' `versionName` is common to all actions. */
export const DEVICE_ARGS = {
  appVersion: wire.text().describe('Version of the app on the device.'),
  systemName: wire.text().describe('Name of the operating system.'),
  systemVersion: wire.text().describe('Version of the operating system.'),
  browserName: wire.text().describe('Name of the browser.'),
  browserVersion: wire.text().describe('Version of the browser.'),
  deviceName: wire.text().describe('What its owner calls the device.'),
  deviceModel: wire.text().describe('Model of the device.'),
  iosPushToken: wire.text().describe('APNs token.'),
  gcmRegistrationId: wire.text().describe('FCM registration id.'),
  webPushSubscription: wire.jsonText().describe('Web push subscription: JSON text of {endpoint, key, auth}.'),
  huaweiPushRegId: wire.text().describe('Huawei push id (SDKs).'),
  iosPushTypes: wire.integer().describe('Kinds of notification that iOS allows, as bits (SDKs).'),
  iosPushCategories: wire.list().describe('Notification categories of iOS (SDKs).'),
  richPushEnabled: wire.boolean().describe('Whether notifications may hold pictures (SDKs).'),
  versionCode: wire.text().describe("Android's number of the app version (SDKs)."),
  limitTracking: wire.boolean().describe('Whether the user limits advertisement tracking (SDKs).'),
  installDate: wire.text().describe('When the app was installed, as the SDK puts it.'),
  updateDate: wire.text().describe('When the app was last updated, as the SDK puts it.'),
}
