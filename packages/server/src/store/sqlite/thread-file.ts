import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Beside this file in the sources; built, this code may stand in a chunk at the root of `dist`. */
export function threadFile(name: string): URL {
  const beside = new URL(`./${name}`, import.meta.url)
  return existsSync(fileURLToPath(beside)) ? beside : new URL(`./store/sqlite/${name}`, import.meta.url)
}
