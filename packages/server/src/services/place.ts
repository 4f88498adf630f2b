import { DamsonError, MINUTE_MS } from '@damson/core'
import { open } from 'maxmind'
import type { Reader, Response } from 'maxmind'
import { watchFile, unwatchFile } from 'node:fs'
import { isIPv6 } from 'node:net'
import type { Logger } from '../logger.ts'
import { normaliseAddress } from './addresses.ts'
import { databaseFiles } from './place-database.ts'
import type { DatabaseSource } from './place-database.ts'
import { placeOf } from './place-record.ts'
import type { LocatedPlace } from './place-record.ts'

export interface Locator {
  /** Where an address is; `null` when nobody knows. Synchronous, never throws, keeps no address. */
  locate(address: string): LocatedPlace | null
}

export interface MmdbLocator extends Locator {
  /** Reads the files again; the old data serve until the new are whole, and after a failure. Whether it went well. */
  reload(): Promise<boolean>
  close(): void
}

export interface MmdbLocatorOptions {
  readonly logger: Logger
  /** Where relative paths begin and packages are looked for: the operator's directory. */
  readonly directory: string
  /** Calls `changed` whenever a file changed, until the returned function is called; absent: nobody looks. */
  readonly watch?: (file: string, changed: () => void) => () => void
}

/**
 * Answers from MaxMind DB files, held in memory as large as they are on disk. Takes the City databases of MaxMind (or
 * in their form) and the flat ones of `@ip-location-db`.
 * @throws {DamsonError} GEO_DATABASE_MISSING, GEO_DATABASE_UNREADABLE
 */
export async function mmdbLocator(source: DatabaseSource, options: MmdbLocatorOptions): Promise<MmdbLocator> {
  const { logger, directory, watch } = options
  const files = await databaseFiles(source, directory)
  let readers = await Promise.all(files.map(readDatabase))

  async function reload(): Promise<boolean> {
    try {
      readers = await Promise.all(files.map(readDatabase))
      logger.info({ files: files.length }, 'the geo database was read again')
      return true
    } catch (err) {
      logger.error({ err }, 'the changed geo database could not be read; the old one stays in use')
      return false
    }
  }

  const watches = watch === undefined ? [] : files.map((file) => watch(file, () => void reload()))

  return {
    locate: (text) => {
      const address = normaliseAddress(text)
      if (address === null) return null
      try {
        return firstPlace(readers, address)
      } catch (err) {
        logger.error({ err }, 'the geo database is damaged')
        return null
      }
    },
    reload,
    close: () => {
      for (const stopWatching of watches) stopWatching()
    },
  }
}

/** Asks the file system once a minute: databases change weekly, and every file system can be asked. */
export function pollFile(file: string, changed: () => void): () => void {
  watchFile(file, { interval: MINUTE_MS, persistent: false }, changed)
  return () => {
    unwatchFile(file, changed)
  }
}

async function readDatabase(file: string): Promise<Reader<Response>> {
  try {
    return await open<Response>(file)
  } catch (cause) {
    const message = `Expected a MaxMind DB file (.mmdb), found something else at ${file}. Download it again, unpacked.`
    throw new DamsonError('GEO_DATABASE_UNREADABLE', message, { cause })
  }
}

function firstPlace(readers: readonly Reader<Response>[], address: string): LocatedPlace | null {
  for (const reader of readers) {
    // A database of IPv4 alone would take the first 32 bits of an IPv6 address and answer for somebody else.
    if (reader.metadata.ipVersion === 4 && isIPv6(address)) continue
    const place = placeOf(reader.get(address))
    if (place !== null) return place
  }
  return null
}
