import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

// What is published: `turbo run test` builds it first.
const built = (file: string) => fileURLToPath(new URL(`../dist/${file}`, import.meta.url))

function bundled(file: string, external: string[]) {
  return build({
    entryPoints: [built(file)],
    platform: 'neutral',
    bundle: true,
    write: false,
    metafile: true,
    logLevel: 'silent',
    external,
  })
}

test.each(['client.js', 'client.cjs'])('%s is a client component: its directive survived the build', (file) => {
  expect(readFileSync(built(file), 'utf8')).toMatch(/^("use strict";\s*)?"use client";/)
})

test('the edge entry needs nothing of Node, and of Next only what the edge has', async () => {
  const { metafile } = await bundled('edge.js', ['next/server.js'])
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path))
  expect([...new Set(imports)]).toEqual(['next/server.js'])
})

test('a browser that is given this package gets an error with the way out, and none of its code', () => {
  const { exports } = JSON.parse(readFileSync(built('../package.json'), 'utf8')) as {
    exports: { '.': { browser: { default: string } } }
  }
  const file = exports['.'].browser.default.replace('./dist/', '')
  expect(readFileSync(built(file), 'utf8')).not.toMatch(/^(import|export)/m)
  expect(() => createRequire(import.meta.url)(built(file.replace('.js', '.cjs')))).toThrow('@damson/next/client')
})
