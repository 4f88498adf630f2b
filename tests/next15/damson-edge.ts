import { createDamson } from '@damson/next/edge'

const { DAMSON_ENDPOINT, DAMSON_APP_ID, DAMSON_CLIENT_KEY, DAMSON_SECRET } = process.env

export const damson = createDamson({
  client: {
    endpoint: DAMSON_ENDPOINT ?? '',
    appId: DAMSON_APP_ID ?? '',
    clientKey: DAMSON_CLIENT_KEY ?? '',
  },
  secrets: [DAMSON_SECRET ?? ''],
})
