/**
 * The part of a browser's window that the beacon touches. Written out because core is compiled without the types of the
 * DOM: it runs wherever there is fetch.
 */
export interface Page {
  readonly document: PageEvents & { readonly visibilityState: string }
  readonly navigator: { sendBeacon?(url: string, body: string): boolean }
  readonly localStorage: PageStorage
  fetch(url: string, options: object): Promise<unknown>
  setInterval(run: () => void, everyMs: number): unknown
  clearInterval(timer: unknown): void
  addEventListener: PageEvents['addEventListener']
  removeEventListener: PageEvents['removeEventListener']
}

interface PageEvents {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

/** Of one origin, shared by its tabs. */
export interface PageStorage {
  readonly length: number
  key(index: number): string | null
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}
