/**
 * Where an answer differs from what a vector expects; `null` if it does not. Expected objects are subsets; lists are
 * whole; texts in angle brackets are patterns described in words.
 */
export function difference(expected: unknown, actual: unknown, path = 'body'): string | null {
  if (typeof expected === 'string' && /^<.*>$/.test(expected)) return unlike(expected.slice(1, -1), actual, path)
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return `${path} is no list: ${JSON.stringify(actual)}`
    if (actual.length !== expected.length) return `${path} has ${actual.length} elements, not ${expected.length}`
    for (const [index, value] of expected.entries()) {
      const found = difference(value, actual[index], `${path}[${index}]`)
      if (found !== null) return found
    }
    return null
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return `${path} is no object: ${JSON.stringify(actual)}`
    for (const [name, value] of Object.entries(expected)) {
      const found = difference(value, memberOf(actual as Record<string, unknown>, name), `${path}.${name}`)
      if (found !== null) return found
    }
    return null
  }
  return Object.is(expected, actual) ? null : `${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`
}

/** A name in angle brackets stands for any member whose name has that form. */
function memberOf(actual: Record<string, unknown>, name: string): unknown {
  if (name !== '<date>') return actual[name]
  const date = Object.keys(actual).find((key) => /^\d{4}-\d\d-\d\d$/.test(key))
  return date === undefined ? undefined : actual[date]
}

function unlike(pattern: string, actual: unknown, path: string): string | null {
  if (holds(pattern, actual)) return null
  return `${path} is ${JSON.stringify(actual)}, not <${pattern}>`
}

function holds(pattern: string, actual: unknown): boolean {
  const [, begin] = /^starts with (.*)$/.exec(pattern) ?? []
  if (begin !== undefined) return typeof actual === 'string' && actual.startsWith(begin)
  const [, ending] = /^url ending (.*)$/.exec(pattern) ?? []
  if (ending !== undefined) return isUrl(actual) && actual.endsWith(ending)
  const [, form] = /^string (\^.*\$)$/.exec(pattern) ?? []
  if (form !== undefined) return typeof actual === 'string' && new RegExp(form).test(actual)
  switch (pattern) {
    case 'url':
      return isUrl(actual)
    case 'template':
      return typeof actual === 'string' && actual.startsWith('https://hooks.example/')
    case 'any':
      return actual !== undefined
    case 'string':
      return typeof actual === 'string'
    case 'integer':
      return Number.isInteger(actual)
    case '64 hex':
      return typeof actual === 'string' && /^[0-9a-f]{64}$/.test(actual)
    default:
      throw new Error(`a pattern nobody taught the test: <${pattern}>`)
  }
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value)
}

/** The value at a path as the vectors write it: `response[0].events.purchase.value`. */
export function valueAt(body: unknown, path: string): unknown {
  let value = body
  for (const step of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}
