import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importGraph, publishedFiles, reachedFrom, ROOT } from './imports.ts'

// oxlint reads one import at a time (.oxlintrc.json); here the whole way counts, so that no file in between hides one.
const graph = importGraph()
const published = publishedFiles(graph)

const CORE = 'packages/core/src/'
const SERVER = 'packages/server/src/'
const isFile = (target: string) => target.startsWith('packages/')
const inside =
  (...folders: string[]) =>
  (target: string) =>
    folders.some((folder) => target.startsWith(folder))

interface Boundary {
  readonly sentence: string
  readonly from: (file: string) => boolean
  readonly isForbidden: (target: string) => boolean
}

const BOUNDARIES: readonly Boundary[] = [
  {
    sentence:
      'core runs wherever there is fetch: apart from its test helpers and the outbox it loads nothing but itself',
    from: (file) => inside(CORE)(file) && !inside(`${CORE}testing/`, `${CORE}outbox/`)(file),
    isForbidden: (target) => !inside(CORE)(target) || inside(`${CORE}testing/`, `${CORE}outbox/`)(target),
  },
  {
    sentence: 'the outbox loads files of core and of Node, and no package',
    from: inside(`${CORE}outbox/`),
    isForbidden: (target) => !inside(CORE)(target) && !target.startsWith('node:'),
  },
  {
    sentence: 'the session stands alone: it loads its own files and clock.ts, and is given time and ids',
    from: inside(`${CORE}session/`),
    isForbidden: (target) => !inside(`${CORE}session/`, `${CORE}clock.ts`)(target),
  },
  {
    sentence: 'the protocol is part of core and loads neither the client nor anything outside core',
    from: inside(`${CORE}protocol/`),
    isForbidden: (target) => !inside(CORE)(target) || inside(`${CORE}client/`)(target),
  },
  {
    sentence: 'the client knows the protocol by its types and limits: the table of actions stays on the server',
    from: inside(`${CORE}client/`),
    isForbidden: (target) => inside(`${CORE}protocol/`)(target) && target !== `${CORE}protocol/limits.ts`,
  },
  {
    sentence: 'a handler decides and does nothing else: nothing it loads touches a clock, a file or a socket',
    from: inside(`${SERVER}engine/handlers/`),
    isForbidden: (target) => target.startsWith('node:'),
  },
  {
    sentence: 'content is decided by pure functions: nothing they load touches a clock, a file or a socket',
    from: inside(`${SERVER}content/`),
    isForbidden: (target) => target.startsWith('node:') || inside(`${SERVER}http/`, `${SERVER}cli/`)(target),
  },
  {
    sentence: 'the engine knows no HTTP, no timers, no command line, and of the store only its contract',
    from: inside(`${SERVER}engine/`),
    isForbidden: (target) =>
      inside(`${SERVER}http/`, `${SERVER}timers/`, `${SERVER}cli/`, `${SERVER}store/`)(target) &&
      !inside(`${SERVER}store/store.ts`, `${SERVER}store/errors.ts`)(target),
  },
  {
    sentence: 'a store keeps what a turn decided; it never loads who decided or who asked',
    from: inside(`${SERVER}store/`),
    isForbidden: inside(`${SERVER}engine/handlers/`, `${SERVER}http/`, `${SERVER}timers/`, `${SERVER}cli/`),
  },
  {
    sentence: 'an adapter uses the client: it loads core and its framework, never the server',
    from: inside('packages/express/', 'packages/nestjs/', 'packages/next/'),
    isForbidden: inside(SERVER),
  },
  {
    sentence: 'whoever embeds the server loads nothing of the command line',
    from: (file) => isFile(file) && !inside(`${SERVER}cli/`)(file),
    isForbidden: inside(`${SERVER}cli/`),
  },
]

describe('boundaries', () => {
  for (const { sentence, from, isForbidden } of BOUNDARIES) {
    test(sentence, () => {
      const files = published.filter(from)
      expect(files.length, 'a boundary around nothing guards nothing').toBeGreaterThan(0)
      const crossings = files.flatMap((file) =>
        [...reachedFrom(file, graph)].filter(([target]) => isForbidden(target)).map(([, way]) => way.join(' → ')),
      )
      expect(crossings, sentence).toEqual([])
    })
  }

  test('every import of our sources leads to a file that exists', () => {
    const targets = [...graph.values()].flat().filter(isFile)
    expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([])
  })
})
