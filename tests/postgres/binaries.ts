import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The programs that a PostgreSQL is made and run with, and as whom: it refuses to run as root. */
export interface Binaries {
  readonly folder: string
  readonly user: { readonly uid: number; readonly gid: number } | null
}

const DEBIAN = '/usr/lib/postgresql'
const NEEDED = ['initdb', 'postgres', 'pg_basebackup']

/** Those in `DAMSON_POSTGRES_BIN`, or the newest of Debian's. `null`, after a line that says why, where there are none. */
export function findBinaries(): Binaries | null {
  const { DAMSON_POSTGRES_BIN: named } = process.env
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((one, two) => Number(two) - Number(one)) : []
  const folders = named === undefined ? versions.map((version) => join(DEBIAN, version, 'bin')) : [named]
  const folder = folders.find((one) => NEEDED.every((program) => existsSync(join(one, program))))
  if (folder === undefined) {
    console.log(`Skipped: no ${NEEDED.join(', ')} in ${folders.join(', ') || DEBIAN}. Set DAMSON_POSTGRES_BIN.`)
    return null
  }
  if (process.platform !== 'linux') {
    console.log('Skipped: what a killed PostgreSQL leaves running is only found on Linux.')
    return null
  }
  if (process.getuid?.() !== 0) return { folder, user: null }
  const user = idsOf('postgres')
  if (user === null) console.log('Skipped: PostgreSQL does not run as root, and there is no user postgres.')
  return user && { folder, user }
}

function idsOf(name: string): Binaries['user'] {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString())
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}
