/** Files whose names begin with this are served to whoever knows the rest of the name; nothing else is. */
export const PUBLIC_PREFIX = 'public/'

const SEGMENT = '/files/'

/** The name of the public file a path asks for, under whatever prefix we are mounted; `null` if it asks for none. */
export function publicFileOf(path: string): string | null {
  const at = path.lastIndexOf(SEGMENT)
  return at < 0 ? null : PUBLIC_PREFIX + path.slice(at + SEGMENT.length)
}

/** The address of a public file. `base` is where the server is mounted, without a slash at its end. */
export function publicFileUrl(base: string, name: string): string {
  if (!name.startsWith(PUBLIC_PREFIX)) throw new Error(`Expected a public file, found '${name}'.`)
  return `${base}${SEGMENT}${name.slice(PUBLIC_PREFIX.length)}`
}

/** Whether the name is that of a variable's file: another upload has another name, so it may be kept for ever. */
export function isContentFile(name: string): boolean {
  return name.startsWith(`${PUBLIC_PREFIX}content/`)
}
