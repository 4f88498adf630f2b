import type { Client, TrackerOptions } from '../client/client.ts'

/**
 * An anonymous visitor turned out to be this user: what they did so far, the open session included, becomes the user's. Call it
 * before anything is tracked for the user, and set `hasSignedIn` on the visitor; a second call changes nothing. Sent at once: the
 * user's next request may come to another process, which knows nothing of the visitor.
 *
 * @source documented: specification 4.3, register and login
 */
export function handOver<E extends object>(
  client: Client<E>,
  { deviceId }: { readonly deviceId: string },
  userId: string,
  options?: TrackerOptions,
): Promise<void> {
  return client.for({ deviceId }, options).setUserAttributes({}, { newUserId: userId }, { urgent: true })
}
