import { BEACON_SCRIPT } from '@damson/core/web'
import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const source = (path: string) => fileURLToPath(new URL(`../packages/core/src/${path}`, import.meta.url))

/** As a page gets it. */
async function bundle(file: string): Promise<string> {
  const result = await build({
    entryPoints: [source(file)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2020',
    write: false,
  })
  return result.outputFiles[0]!.text.trim()
}

test('a page pays at most 1.5 kB for the beacon', async () => {
  const sizes = [await bundle('beacon/index.ts'), BEACON_SCRIPT].map((text) => gzipSync(text, { level: 9 }).length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1_500)
})

test('the script that adapters serve is the beacon (vitest -u writes it anew)', async () => {
  const text = await bundle('beacon/script.ts')
  // As the formatter would write it, so that it stays as it is.
  const literal = `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  const module =
    `/** Built from beacon/script.ts by tests/beacon.test.ts; what \`<script type="module" src="/damson/beacon.js">\` loads. */\n` +
    `export const BEACON_SCRIPT =\n  ${literal}\n`
  await expect(module).toMatchFileSnapshot(source('web/beacon-script.ts'))
})
