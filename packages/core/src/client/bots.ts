import type { BeforeSend } from './before-send.ts'

const BOTS =
  /bot\b|crawl|spider|slurp|preview|headless|lighthouse|monitor|facebookexternalhit|^(?:curl|wget|python-|go-http)/i

/**
 * Marks the events of crawlers with the parameter `bot: true`, by the `userAgent` the tracker was given. Nothing is dropped:
 * that is for whoever reads the numbers to decide. Without a user agent (a backend's own events) nothing is marked.
 */
export function tagBots(pattern: RegExp = BOTS): BeforeSend {
  return (draft) =>
    draft.action === 'track' && draft.userAgent !== undefined && pattern.test(draft.userAgent)
      ? { ...draft, params: { ...draft.params, bot: true } }
      : draft
}
