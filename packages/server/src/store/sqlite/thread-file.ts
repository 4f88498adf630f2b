import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Beside this file in the sources; built, this code may stand in a chunk at the root of `dist`. */
export function threadFile(name: string): URL {
  const beside = new URL(`./${name}`, import.meta.url)
  return existsSync(fileURLToPath(beside)) ? beside : new URL(`./store/sqlite/${name}`, import.meta.url)
}

/**
 * What a thread of the store is started with: nothing that its process was, and not Node 22's word on stderr that its SQLite is
 * new, which whoever runs a server can do nothing about.
 */
export const THREAD_FLAGS = ['--disable-warning=ExperimentalWarning']
