import type { EpochMs } from '../clock.ts'
import type { Page, PageStorage } from './page.ts'

/** Which tabs of this site are visible, as far as the tabs have told each other. */
export interface Tabs {
  /** This tab is visible; say it again now and then, or the others take it for crashed. */
  show(now: EpochMs): void
  hide(): void
  isOtherVisible(now: EpochMs): boolean
}

const PREFIX = 'damson:tab:'

/**
 * Each tab writes a key of its own, so that no two ever write the same. Without storage (a browser may deny it) a tab knows
 * of itself only: then a pause too many is sent, which the next heartbeat of the other tab takes back.
 */
export function createTabs(page: Page, forgetAfterMs: number): Tabs {
  const own = PREFIX + Math.random().toString(36).slice(2)
  const storage = storageOf(page)

  /** Keys of tabs that crashed are cleared away by whoever sees them next. */
  function isVisible(key: string, now: EpochMs): boolean {
    if (key === own || !key.startsWith(PREFIX)) return false
    if (now - Number(storage?.getItem(key)) < forgetAfterMs) return true
    storage?.removeItem(key)
    return false
  }

  return {
    show(now) {
      try {
        storage?.setItem(own, String(now))
      } catch {
        // Full, or a private window: as good as no storage.
      }
    },
    hide: () => storage?.removeItem(own),
    isOtherVisible(now) {
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? '')
      return keys.filter((key) => isVisible(key, now)).length > 0
    },
  }
}

/** Merely reading the property throws where the user has turned storage off. */
function storageOf(page: Page): PageStorage | null {
  try {
    return page.localStorage
  } catch {
    return null
  }
}
