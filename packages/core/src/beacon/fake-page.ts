import type { Page } from './page.ts'

export interface FakePage extends Page {
  readonly sent: readonly string[]
  show(): void
  hide(): void
  /** `pagehide` alone, as when the page is closed or left. */
  leave(): void
  /** Back from the cache of the back button. */
  comeBack(): void
  /** Runs what the page had set to run, as its timers would. */
  tick(): void
  isOnline: boolean
  acceptsBeacons: boolean
}

/** Storage that several tabs share. */
export function fakeStorage(): Page['localStorage'] {
  const items = new Map<string, string>()
  return {
    get length() {
      return items.size
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }
}

/** A tab that is hidden until it is shown, whose messages are kept in `sent`. */
export function fakePage(localStorage: Page['localStorage'], isVisible = true): FakePage {
  const listeners = new Map<string, Set<() => void>>()
  const timers = new Set<() => void>()
  const sent: string[] = []
  const events = {
    addEventListener(type: string, listener: () => void) {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener))
    },
    removeEventListener: (type: string, listener: () => void) => void listeners.get(type)?.delete(listener),
  }
  const emit = (type: string) => listeners.get(type)?.forEach((listener) => listener())
  const document = { ...events, visibilityState: isVisible ? 'visible' : 'hidden' }
  const change = (state: string) => {
    document.visibilityState = state
    emit('visibilitychange')
  }
  const page: FakePage = {
    ...events,
    document,
    localStorage,
    sent,
    isOnline: true,
    acceptsBeacons: true,
    navigator: {
      sendBeacon(_url, body) {
        if (page.acceptsBeacons) sent.push(`beacon ${body}`)
        return page.acceptsBeacons
      },
    },
    async fetch(_url, options) {
      if (!page.isOnline) throw new TypeError('Failed to fetch')
      sent.push(`fetch ${(options as { body: string }).body}`)
    },
    setInterval(run) {
      timers.add(run)
      return run
    },
    clearInterval: (timer) => void timers.delete(timer as () => void),
    show: () => change('visible'),
    hide: () => change('hidden'),
    leave: () => emit('pagehide'),
    comeBack: () => emit('pageshow'),
    tick: () => timers.forEach((run) => run()),
  }
  return page
}
