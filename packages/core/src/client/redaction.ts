import type { BeforeSend } from './before-send.ts'

/** Finds one kind of personal data in a text. */
export interface RedactionRule {
  readonly name: string
  readonly pattern: RegExp
  /** A second look at what the pattern found. */
  readonly isMatch?: (found: string) => boolean
}

/** What to look for. Each finding is replaced by its name in brackets: `[email]`. */
export const REDACTIONS = {
  email: { name: 'email', pattern: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  creditCard: { name: 'card', pattern: /\b\d(?:[ -]?\d){12,18}\b/g, isMatch: passesLuhn },
  ipAddress: {
    name: 'ip',
    pattern: /\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:])(?:[\da-f]{0,4}:){2,7}[\da-f]{0,4}(?![\w:])/gi,
    isMatch: (found: string) => found.includes('.') || found.includes('::') || found.split(':').length === 8,
  },
  phone: { name: 'phone', pattern: /(?<![\w.])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\w)/g },
  token: { name: 'token', pattern: /\bBearer\s+\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*/g },
} as const satisfies Record<string, RedactionRule>

/** Members whose very name says that the value is nobody's business. */
const SECRET_KEYS = /^(?:pass(?:word|wd)?|secret|token|authorization|cookie|api[-_]?key|ssn|cvc|cvv|iban)$/i

export interface RedactOptions {
  /** Default: all of `REDACTIONS`. */
  readonly rules?: readonly RedactionRule[]
  /** Members to redact by name. Default: passwords, tokens and their like. */
  readonly keys?: RegExp
}

/** Replaces personal data in parameters, attributes and all other texts of an action, but its name and identity. */
export function redact({ rules = Object.values(REDACTIONS), keys = SECRET_KEYS }: RedactOptions = {}): BeforeSend {
  function inText(text: string): string {
    return rules.reduce(
      (rest, { name, pattern, isMatch }) =>
        rest.replace(pattern, (found) => (isMatch === undefined || isMatch(found) ? `[${name}]` : found)),
      text,
    )
  }

  function inValue(value: unknown): unknown {
    if (typeof value === 'string') return inText(value)
    if (Array.isArray(value)) return value.map(inValue)
    return typeof value === 'object' && value !== null ? inObject(value) : value
  }

  function inObject(object: object): Record<string, unknown> {
    const entries = Object.entries(object).map(([key, value]) => [key, keys.test(key) ? '[secret]' : inValue(value)])
    return Object.fromEntries(entries) as Record<string, unknown>
  }

  return (draft) => ({
    ...draft,
    params: draft.params === undefined ? undefined : inObject(draft.params),
    args: draft.args === undefined ? undefined : inObject(draft.args),
  })
}

/** The check digit of payment cards: an order number of sixteen digits seldom has it. */
function passesLuhn(found: string): boolean {
  const digits = found.replace(/\D/g, '')
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place])
    const doubled = place % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
