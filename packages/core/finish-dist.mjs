// What tsup leaves to do, so that the install is small (decision 0013).
// 1. CommonJS is made of the minified ES modules, file by file: they have the same names and say the same.
// 2. Both have the same types, so they are published once: what ES modules are given points at what CommonJS is given. The
//    other way round is not allowed: CommonJS may not name the types of an ES module. Indentation by tabs saves a twentieth.
// 3. Of the protocol and the outbox, which only servers load, the code is published once as well, in the same way.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

const home = fileURLToPath(new URL('.', import.meta.url))
const { exports: entries } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
const dist = join(home, 'dist')
for (const file of readdirSync(dist, { recursive: true })) {
  const path = join(dist, file)
  if (file.endsWith('.d.ts')) {
    const text = readFileSync(path, 'utf8')
      .replace(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4))
      .replace(/((?:from|import) '\.[^']*)\.js'/g, "$1.cjs'")
    writeFileSync(path.replace(/ts$/, 'cts'), text)
    rmSync(path)
  } else if (file.endsWith('.js')) {
    // `platform: node` adds the list of names that ES modules read off a CommonJS module without running it.
    const options = { format: 'cjs', platform: 'node', target: 'node20', minify: true }
    const { code } = await transform(readFileSync(path, 'utf8'), options)
    writeFileSync(path.replace(/js$/, 'cjs'), code.replace(/(require\("\.[^"]*)\.js"\)/g, '$1.cjs")'))
  }
}
for (const [name, entry] of Object.entries(entries)) {
  if (typeof entry === 'string') continue
  writeFileSync(join(home, entry.import.types), `export * from './${basename(entry.require.default)}'\n`)
  if (name !== './protocol' && name !== './outbox') continue
  const path = join(home, entry.import.default)
  const names = Object.keys(await import(path))
  writeFileSync(path, `export{${names.join(',')}}from'./${basename(entry.require.default)}'\n`)
}
