import type { RawArgs } from '@damson/core/protocol'

/**
 * One row of an imported CSV as an action (specification 8.11, unknowns 78): dots nest, empty cells are absent, TRUE and
 * FALSE are booleans, `[a, b]` is a list. Numbers stay text, which each argument reads as what it needs.
 */
export function csvAction(header: readonly string[], cells: readonly string[], defaultAction: string | null): RawArgs {
  const action: Record<string, unknown> = defaultAction === null ? {} : { action: defaultAction }
  for (const [index, name] of header.entries()) {
    const cell = cells[index]
    if (cell === undefined || cell === '' || name === '') continue
    put(action, name.split('.'), valueOf(cell))
  }
  return action
}

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path
  if (FORBIDDEN.has(name)) return
  if (rest.length === 0) {
    target[name] = value
    return
  }
  const known = Object.hasOwn(target, name) ? target[name] : undefined
  const inner = typeof known === 'object' && known !== null && !Array.isArray(known) ? known : {}
  target[name] = inner
  put(inner as Record<string, unknown>, rest, value)
}

function valueOf(cell: string): unknown {
  const text = cell.trim()
  if (text === 'TRUE' || text === 'true') return true
  if (text === 'FALSE' || text === 'false') return false
  if (!text.startsWith('[') || !text.endsWith(']')) return cell
  const inside = text.slice(1, -1).trim()
  return inside === '' ? [] : inside.split(',').map((item) => valueOf(item.trim().replace(/^"(.*)"$/, '$1')))
}
