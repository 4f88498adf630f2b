import type { Json } from './source.ts'

type Branch = { [name: string]: Json }

/**
 * A tree of values that shares what it does not change with the one it was made of: most users differ from the defaults
 * in a few values of hundreds. `base` must not be changed by anybody.
 */
export class SharedTree {
  #root: Branch
  readonly #own = new Set<unknown>()

  constructor(base: Readonly<Record<string, Json>>) {
    this.#root = base
  }

  get root(): Readonly<Record<string, Json>> {
    return this.#root
  }

  set(steps: readonly string[], value: Json): void {
    const last = steps.at(-1)
    if (last !== undefined) this.#branchOf(steps)[last] = value
  }

  remove(steps: readonly string[]): void {
    const last = steps.at(-1)
    if (last !== undefined) delete this.#branchOf(steps)[last]
  }

  #branchOf(steps: readonly string[]): Branch {
    let branch = (this.#root = this.#owned(this.#root))
    for (let index = 0; index < steps.length - 1; index++) {
      const step = steps[index]!
      branch = branch[step] = this.#owned(Object.hasOwn(branch, step) ? branch[step] : undefined)
    }
    return branch
  }

  #owned(branch: Json | undefined): Branch {
    if (this.#own.has(branch)) return branch as Branch
    const isBranch = typeof branch === 'object' && branch !== null && !Array.isArray(branch)
    const copy: Branch = isBranch ? { ...(branch as Branch) } : {}
    this.#own.add(copy)
    return copy
  }
}
