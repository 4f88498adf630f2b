import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { MINUTE_MS } from '../clock.ts'

/**
 * Each open outbox owns a subfolder that carries its owner's name, `pid.start.random@host`: so whoever comes later can tell
 * whether the owner still lives, and take over what a dead one left. `start` tells a process from a later one of its number.
 */
const OWNER = /^(\d+)\.(\d+)\.[0-9a-f]+@([^+]+)/

/** An owner on another host shows that it lives by touching its folder this often. */
export const SIGN_OF_LIFE_MS = MINUTE_MS
const SILENT_MS = 10 * SIGN_OF_LIFE_MS

/** Owners within this process: their number says nothing about them. */
const ours = new Set<string>()

export function newOwner(): string {
  const owner = `${process.pid}.${startOf(process.pid)}.${randomBytes(6).toString('hex')}@${host()}`
  ours.add(owner)
  return owner
}

export function forgetOwner(owner: string): void {
  ours.delete(owner)
}

/** Whether nobody will write to this folder any more. A name that is not an owner's is none of our business. */
export async function isAbandoned(folder: string, name: string): Promise<boolean> {
  const parts = OWNER.exec(name)
  if (parts === null) return false
  const [owner, pid, start, where] = parts
  if (where !== host()) return Date.now() - (await stat(folder)).mtimeMs > SILENT_MS
  if (Number(pid) === process.pid) return !ours.has(owner)
  return !isAlive(Number(pid)) || startOf(Number(pid)) !== Number(start)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process began, in ticks since boot; 0 where the system does not say (anything but Linux). */
function startOf(pid: number): number {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it may hold spaces and brackets; the field is the twentieth after it.
    return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return 0
  }
}

function host(): string {
  return hostname().replaceAll('+', '-')
}
