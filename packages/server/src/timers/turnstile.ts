/** Lets one through at a time, in the order in which they came. */
export class Turnstile {
  #inside: object | null = null
  readonly #queue: { readonly who: object; readonly enter: () => void }[] = []

  /** Resolves when nobody else is inside. Whoever leaves while they wait hears of it no more. */
  enter(who: object): Promise<void> {
    if (this.#inside === null) this.#inside = who
    if (this.#inside === who) return Promise.resolve()
    return new Promise((enter) => this.#queue.push({ who, enter }))
  }

  /** Is inside no more, and waits no more. Whoever is neither leaves as well. */
  leave(who: object): void {
    const place = this.#queue.findIndex((one) => one.who === who)
    if (place !== -1) this.#queue.splice(place, 1)
    if (this.#inside !== who) return
    const next = this.#queue.shift()
    this.#inside = next?.who ?? null
    next?.enter()
  }
}
