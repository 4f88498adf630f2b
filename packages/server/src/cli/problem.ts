import { DamsonError } from '@damson/core'

/** Something the person at the terminal can mend: told in one line, which names the way out. */
export class Problem extends Error {}

/** Hints for what the operating system says in one word. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EADDRINUSE: 'it is in use already',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this host name is unknown',
}

/** Why a system call failed, in words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error)
  const known = code === undefined ? undefined : REASONS[code]
  return known ?? (error instanceof Error ? error.message : String(error))
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** One line for any error, without a stack trace. */
export function tell(error: unknown): string {
  const isExpected = error instanceof Problem || DamsonError.isInstance(error)
  const text = isExpected ? error.message : `unexpected: ${reasonOf(error)}`
  return `damson: ${text.replaceAll(/\s*\n\s*/g, ' ')}`
}
