// Writes what is derived from the action table: docs/reference and the OpenAPI document.
//   pnpm generate            writes the files
//   pnpm generate --check    changes nothing; fails when a file is stale
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openApiDocument } from '../packages/server/src/openapi.ts'
import { referencePages } from './reference.ts'

const REFERENCE = 'docs/reference'
process.chdir(fileURLToPath(new URL('../', import.meta.url)))

const files = new Map([['packages/server/openapi.json', `${JSON.stringify(openApiDocument(), null, 2)}\n`]])
for (const [name, page] of referencePages()) files.set(`${REFERENCE}/${name}`, page)

mkdirSync(REFERENCE, { recursive: true })
const stale = [...files].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
const surplus = readdirSync(REFERENCE)
  .map((name) => `${REFERENCE}/${name}`)
  .filter((path) => !files.has(path))

if (process.argv.includes('--check')) {
  for (const path of [...stale.map(([name]) => name), ...surplus]) {
    console.error(`${path} does not say what the action table says: run "pnpm generate" and commit what it wrote`)
    process.exitCode = 1
  }
} else {
  for (const [path, text] of stale) writeFileSync(path, text)
  for (const path of surplus) rmSync(path)
  console.log(`${files.size} files, ${stale.length + surplus.length} of them changed`)
}
