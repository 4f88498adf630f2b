import { type Clock, SECOND_MS } from '@damson/core'
import type { Outgoing } from '../engine/postbacks/postbacks.ts'
import { RULE_KINDS } from '../engine/postbacks/rules.ts'
import type { Egress } from '../services/egress.ts'
import type { Signer } from '../services/signing.ts'
import type { Settlement } from '../store/deliveries.ts'
import { attempt, TRIES_MAX } from './attempt.ts'
import type { Carrier } from './dispatcher.ts'

export interface RuleCarrierOptions {
  /** The rule a delivery was made for; `null` if it was deleted since. */
  ruleOf(appId: string, kind: string, rule: number): Promise<{ readonly template: { readonly origin: string } } | null>
  readonly egress: Egress
  /** `null`: nothing is signed. */
  readonly signer: Signer | null
  readonly clock: Clock
}

/** Carries postbacks and hooks to the URLs of their rules, each at most `TRIES_MAX` times. */
export function ruleCarrier({ ruleOf, egress, signer, clock }: RuleCarrierOptions): Carrier {
  const failed = (note: string): Settlement => ({ type: 'failed', at: clock.now(), note })
  return {
    kinds: RULE_KINDS.map(({ name }) => name),
    async prepare({ id, appId, kind, attempt: number, data, note }) {
      const { rule, url, body } = JSON.parse(data) as Outgoing
      const found = await ruleOf(appId, kind, rule)
      if (found === null) return { type: 'done' }
      if (number > TRIES_MAX) return failed(note ?? 'the process ended during the last try')
      const { origin } = found.template
      if (new URL(url).origin !== origin) return failed('the URL left the origin of its rule')
      return {
        lane: origin,
        go: (at, signal) => {
          const headers = {
            'content-type': 'application/json',
            'user-agent': 'damson',
            'webhook-id': id,
            'webhook-timestamp': String(Math.floor(at / SECOND_MS)),
            ...(signer !== null && { 'webhook-signature': signer.sign({ appId, kind, rule, id, body, at }) }),
          }
          return attempt(egress, { url, body, headers, attempt: number, at, signal })
        },
      }
    },
  }
}
