/** How many actions one `multi` may hold. @source documented: specification 8.11 */
export const MAX_BATCH_ACTIONS = 500

/** How many different users one `multi` may concern. @source documented: specification 8.11 */
export const MAX_BATCH_USERS = 50

/**
 * How many actions a batch of an official SDK may hold (it carries `sdkVersion`): what a device collected while it was
 * offline. @source observed: Android and iOS SDK, specification 8.11
 */
export const MAX_SDK_BATCH_ACTIONS = 10_000

/** The longest user or device id, in characters. @source documented: specification 4.1 */
export const MAX_ID_LENGTH = 400

/** How many parameters an event or a state may have. @source documented: specification 7.1 */
export const MAX_PARAMS = 50

/** How many objects and lists may lie inside each other. @source assumed: no action needs more than six */
export const MAX_JSON_DEPTH = 32

/**
 * How many members one object or list may have: twice the longest batch. An object grows slow to build with its number of
 * distinct keys: 500,000 of them hold the process for more than a second. @source assumed
 */
export const MAX_JSON_WIDTH = 20_000

/** How many members all objects and lists of a text may have together: the longest batch at 30 each. @source assumed */
export const MAX_JSON_MEMBERS = 300_000

/** How many arguments a query or a form may have. @source assumed: `start` knows fewer than 60 */
export const MAX_FORM_FIELDS = 1_000

/** How many postback rules an app may have. @source documented: specification 8.9 */
export const MAX_POSTBACKS = 3

/** The longest URL template of a postback, in characters. @source assumed: what servers commonly accept, four times */
export const MAX_POSTBACK_URL_LENGTH = 8_192

/** How many Android notification channels an app may have: every `start` of a device carries them. @source assumed */
export const MAX_NOTIFICATION_CHANNELS = 100
