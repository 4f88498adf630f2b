import { DamsonError } from '@damson/core'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

/** A file of the operator's, or the name of an npm package that holds one or several. */
export type DatabaseSource = string | { readonly package: string }

const PACKAGE_NAME = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/

/**
 * The files of a source, absolute. Some packages split IPv4 and IPv6; those that name a city come first, for packages
 * that also hold countries or networks.
 * @throws {DamsonError} GEO_DATABASE_MISSING
 */
export async function databaseFiles(source: DatabaseSource, directory: string): Promise<readonly string[]> {
  if (typeof source === 'string') {
    const file = resolve(directory, source)
    if (existsSync(file)) return [file]
    throw missing(`a file at ${file}`, 'The database is yours to bring: see docs/guides/place.md.')
  }
  const root = packageDirectory(source.package, directory)
  if (root === null)
    throw missing(
      `the npm package ${source.package} in ${directory}`,
      `Install it there: npm install ${source.package}`,
    )
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.mmdb')).toSorted()
  if (names.length === 0) throw missing(`an .mmdb file in ${root}`, 'This package holds none; choose another.')
  const cities = names.filter((name) => /city/i.test(name))
  return [...cities, ...names.filter((name) => !cities.includes(name))].map((name) => join(root, name))
}

/** Looked for by hand: a package with `exports` hides its files from `require.resolve`. */
function packageDirectory(name: string, directory: string): string | null {
  if (!PACKAGE_NAME.test(name)) return null
  const folders = createRequire(join(directory, 'package.json')).resolve.paths(name) ?? []
  const found = folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')))
  return found ?? null
}

function missing(expected: string, wayOut: string): DamsonError {
  return new DamsonError('GEO_DATABASE_MISSING', `Expected ${expected}, found nothing. ${wayOut}`)
}
