// Both module formats have the same types, so they are published once: what ES modules are given points at what
// CommonJS is given. The other way round is not allowed: CommonJS may not name the types of an ES module.
// Indentation by tabs saves a twentieth.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('.', import.meta.url))
const { exports: entries } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
const dist = join(home, 'dist')
for (const file of readdirSync(dist, { recursive: true })) {
  const path = join(dist, file)
  if (file.endsWith('.d.ts')) rmSync(path)
  if (!file.endsWith('.d.cts')) continue
  const text = readFileSync(path, 'utf8').replace(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4))
  writeFileSync(path, text)
}
for (const entry of Object.values(entries)) {
  if (typeof entry === 'string') continue
  writeFileSync(join(home, entry.import.types), `export * from './${basename(entry.require.default)}'\n`)
}
