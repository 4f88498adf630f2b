import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url))

/** Tests read the sources of our packages, so that a change in one is seen by the tests of the others at once. */
export function testConfig(test: NonNullable<ViteUserConfig['test']> = {}): ViteUserConfig {
  return defineConfig({
    resolve: {
      alias: [
        { find: /^@damson\/core$/, replacement: source('core/src/index.ts') },
        { find: /^@damson\/core\/(\w+)$/, replacement: source('core/src/$1/index.ts') },
        { find: /^@damson\/nestjs$/, replacement: source('nestjs/src/index.ts') },
        { find: /^@damson\/nestjs\/(\w+)$/, replacement: source('nestjs/src/$1/index.ts') },
        { find: /^@damson\/next$/, replacement: source('next/src/index.ts') },
        { find: /^@damson\/next\/(\w+)$/, replacement: source('next/src/$1.ts') },
        { find: /^@damson\/express$/, replacement: source('express/src/index.ts') },
        { find: /^@damson\/server$/, replacement: source('server/src/index.ts') },
        { find: /^@damson\/server\/node$/, replacement: source('server/src/http/node.ts') },
        { find: /^@damson\/server\/sqlite$/, replacement: source('server/src/store/sqlite/index.ts') },
        { find: /^@damson\/server\/postgres$/, replacement: source('server/src/store/postgres/index.ts') },
        { find: /^@damson\/server\/(testing|conformance)$/, replacement: source('server/src/$1/index.ts') },
      ],
    },
    test: {
      include: ['src/**/*.test.ts'],
      // A limit for what hangs, not for what is slow: machines are busy at times.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: ['default', 'json'],
      outputFile: { json: '.vitest/report.json' },
      ...test,
    },
  })
}
