import { Command, Option } from 'commander'
import { runClientBench } from './client/index.ts'
import { runContentBench } from './content/index.ts'
import { runExportBench } from './export/index.ts'
import { runExpressBench } from './express/index.ts'
import { runPostgresBench } from './postgres/index.ts'
import { runServerBench } from './server/index.ts'

const number = (name: string, about: string, value: number) =>
  new Option(`--${name} <n>`, about)
    .argParser((text) => {
      const parsed = Number(text)
      if (!Number.isInteger(parsed) || parsed < 1)
        throw new Error(`--${name}: expected a whole number of 1 or more, and found ${text}.`)
      return parsed
    })
    .default(value)

const program = new Command('bench').description(
  'Measures side by side in one run; quotes ratios, because figures of different runs do not compare.',
)

program
  .command('server', { isDefault: true })
  .description('the server against a bare node:http server that only parses and answers; sessions in memory; start-up')
  .addOption(number('rounds', 'rounds of each measurement; the median is quoted', 7))
  .addOption(number('seconds', 'seconds of each measurement', 3))
  .addOption(number('sessions', 'live sessions for the memory figure', 1_000_000))
  .option('--keep', 'write the figures to docs/benchmarks.md and docs/benchmarks/server.json', false)
  .action(({ rounds, seconds, sessions, keep }) => runServerBench({ rounds, seconds, sessions, isKept: keep }))

program
  .command('postgres')
  .description('the same on a PostgreSQL; one, two and three servers on it; with more and more events stored')
  .addOption(number('rounds', 'rounds of each measurement; the median is quoted', 7))
  .addOption(number('seconds', 'seconds of each measurement', 3))
  .addOption(number('events', 'stored events up to which the cost of one more is measured', 5_000_000))
  .option('--postgres <url>', 'a server on which databases may be made', 'postgres://postgres@127.0.0.1:5432/postgres')
  .option('--only <part>', 'http, nodes or growth; all of them if absent')
  .option('--keep', 'write the figures to docs/benchmarks.md and docs/benchmarks/postgres-*.json', false)
  .action(({ rounds, seconds, events, postgres, only, keep }) =>
    runPostgresBench({ rounds, seconds, events, url: postgres, only, isKept: keep }),
  )

program
  .command('client')
  .description('the client against posthog-node, Segment, Amplitude, mixpanel and RudderStack, against one local sink')
  .addOption(number('rounds', 'rounds of each measurement; the median is quoted', 5))
  .addOption(number('events', 'events delivered in each round', 20_000))
  .addOption(number('queued', 'events held in memory', 100_000))
  .option('--keep', 'write the figures to docs/benchmarks/client.md and client.json', false)
  .action(({ rounds, events, queued, keep }) => runClientBench({ rounds, events, queued, isKept: keep }))

program
  .command('content')
  .description('`start` with variables, audiences and A/B tests in ratio to `start` with none; one decision')
  .addOption(number('rounds', 'rounds of each measurement; the median is quoted', 7))
  .addOption(number('starts', 'starts of each measurement', 2_000))
  .option('--keep', 'write the figures to docs/benchmarks.md and docs/benchmarks/content.json', false)
  .action(({ rounds, starts, keep }) => runContentBench({ rounds, starts, isKept: keep }))

program
  .command('export')
  .description('`exportData` of many events: its memory, and its time in ratio to a plain dump of the history')
  .addOption(number('rounds', 'rounds of each measurement; the median is quoted', 3))
  .addOption(number('events', 'events that are exported', 1_000_000))
  .option('--data <folder>', 'where the data lies, so that another run need not make it again')
  .option('--keep', 'write the figures to docs/benchmarks.md and docs/benchmarks/export.json', false)
  .action(({ rounds, events, data, keep }) =>
    runExportBench({ rounds, events, isKept: keep, ...(data !== undefined && { data }) }),
  )

program
  .command('express')
  .description(
    'the Express middleware against posthog-node, Segment and OpenPanel on the same app; ours with its server away',
  )
  .addOption(number('rounds', 'rounds of each measurement; the median is quoted', 7))
  .addOption(number('seconds', 'seconds of each measurement', 3))
  .addOption(number('requests', 'requests of each app in each round, for the latency with the server away', 2_000))
  .option('--keep', 'write the figures to docs/benchmarks.md and docs/benchmarks/express.json', false)
  .action(({ rounds, seconds, requests, keep }) => runExpressBench({ rounds, seconds, requests, isKept: keep }))

await program.parseAsync()
