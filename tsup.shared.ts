import type { Options } from 'tsup'

interface LibraryOptions extends Options {
  readonly entry: Record<string, string>
  /** The entries that have types of their own; all of them unless said otherwise. */
  readonly types?: Record<string, string>
}

/** What every published package builds: ESM and CommonJS, each with its own types. */
export function library({ types, ...options }: LibraryOptions): Options {
  return {
    format: ['esm', 'cjs'],
    target: 'node20',
    dts: {
      entry: types ?? options.entry,
      // tsup's type builder sets `baseUrl`, which TypeScript 6 reports; `paths` are for editors and tests only.
      compilerOptions: { ignoreDeprecations: '6.0', paths: {} },
    },
    sourcemap: true,
    clean: true,
    splitting: true,
    // `node:sqlite` has no name without its prefix.
    removeNodeProtocol: false,
    shims: true,
    ...options,
  }
}
