import { fakeClock } from '../testing/fake-clock.ts'
import { fakeTimers } from '../testing/fake-timers.ts'
import { recordingFetch } from '../testing/recording-fetch.ts'
import { createClient } from './client.ts'
import type { DroppedAction } from './ledger.ts'
import type { ClientOptions } from './options.ts'

/** A client with time in our hands and a server that fails by script. Sessions are off unless a test is about them. */
export function clientWorld(options: Partial<ClientOptions> = {}) {
  const clock = fakeClock()
  const timers = fakeTimers(clock)
  const server = recordingFetch()
  const dropped: DroppedAction[] = []
  const client = createClient({
    appId: 'app_1',
    clientKey: 'prod_1',
    fetch: server,
    clock,
    timers,
    autoStart: false,
    random: () => 0.5,
    onDrop: (each) => dropped.push(each),
    ...options,
  })
  /** The names of the events the server counted, in its order. */
  const taken = () => server.taken.map((action) => action['event'] ?? action['action'])
  return { clock, timers, server, dropped, client, taken, ada: client.for({ userId: 'ada' }) }
}
