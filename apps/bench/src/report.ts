import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Spread } from './statistics.ts'

const docs = fileURLToPath(new URL('../../../docs/', import.meta.url))

/** The machine, in one line: figures from different ones are not compared. */
export function machine(): string {
  const [cpu] = cpus()
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The median, and how far the rounds lay apart. */
export function shown({ median, min, max }: Spread, digits = 2): string {
  return `**${median.toFixed(digits)}** (${min.toFixed(digits)}–${max.toFixed(digits)})`
}

/** Puts a section between its two marks in `docs/benchmarks.md`, and the figures beside it as JSON. */
export function keep(section: string, text: string, figures: unknown): void {
  const file = `${docs}benchmarks.md`
  const page = readFileSync(file, 'utf8')
  const [begin, end] = [`<!-- ${section} begins -->`, `<!-- ${section} ends -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from)
    throw new Error(`docs/benchmarks.md has no place for ${section}: expected ${begin} and ${end}`)
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`)
  writeFileSync(`${docs}benchmarks/${section}.json`, `${JSON.stringify(figures, null, 2)}\n`)
}
