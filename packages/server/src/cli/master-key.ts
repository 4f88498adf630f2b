import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, Problem, reasonOf } from './problem.ts'

export const MASTER_KEY_HELP = `
Secrets that postbacks are signed with are made from the server's own key: DAMSON_MASTER_KEY, or else the file master.key in
the data folder, which is made with the first start. With --postgres nothing is signed without DAMSON_MASTER_KEY. While it is
replaced, it may hold several, divided by blanks, the newest first.`

/**
 * The newest first. What keeps nothing has a key of its own, made now. Servers that share a store must be told one, and sign
 * nothing until they are.
 */
export function masterKeysOf({ memory, postgres, data }: KeyPlace): readonly string[] {
  const given = (process.env.DAMSON_MASTER_KEY ?? '').split(/\s+/).filter((key) => key !== '')
  if (given.length > 0) return given
  if (postgres !== undefined) return []
  return [memory === true ? newKey() : keptKey(join(data, 'master.key'))]
}

interface KeyPlace {
  readonly memory?: true
  readonly postgres?: string
  readonly data: string
}

/** For its owner alone to read; never written over. */
function keptKey(file: string): string {
  try {
    writeFileSync(file, `${newKey()}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw new Problem(`cannot write ${file}: ${reasonOf(error)}. Set DAMSON_MASTER_KEY.`)
  }
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new Problem(`cannot read ${file}: ${reasonOf(error)}. Mend its rights, or set DAMSON_MASTER_KEY.`)
  }
}

function newKey(): string {
  return randomBytes(32).toString('hex')
}
