/** Next loads a module several times into one process; what must exist once is kept beside the process's globals. */
export function once<T>(name: string, make: () => T): T {
  const place = globalThis as { [key: symbol]: T | undefined }
  return (place[Symbol.for(`shop.${name}`)] ??= make())
}
