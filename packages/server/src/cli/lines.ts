import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip } from 'node:zlib'
import { codeOf, Problem, reasonOf } from './problem.ts'

export interface LineSource {
  /** A few at a time, in order. @throws {Problem} when the file cannot be read on */
  readonly lines: AsyncIterable<readonly string[]>
  /** How much of the file has been read, from 0 to 1; `null` when nobody knows how much there is. */
  progress(): number | null
}

/**
 * The lines of a file, unpacked if its name ends in `.gz`; `-` is standard input.
 * @throws {Problem} when there is no such file
 */
export async function openLines(file: string, stdin: Readable): Promise<LineSource> {
  if (file === '-') return { lines: readable(stdin, 'standard input'), progress: () => null }
  try {
    const { size } = await stat(file)
    const raw = createReadStream(file)
    // The callback is for whoever does not read the stream: an error comes out of the loop that does.
    const input = file.endsWith('.gz') ? pipeline(raw, createGunzip(), () => undefined) : raw
    return { lines: readable(input, file), progress: () => (size === 0 ? null : raw.bytesRead / size) }
  } catch (error) {
    throw cannotRead(file, error)
  }
}

async function* readable(input: Readable, file: string): AsyncGenerator<readonly string[]> {
  try {
    yield* splitLines(input as AsyncIterable<Buffer>)
  } catch (error) {
    throw cannotRead(file, error)
  }
}

/** Only `\n` ends a line: other separators may stand in what a browser calls itself. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield lines
  }
  rest += decoder.end()
  if (rest !== '') yield [rest]
}

function cannotRead(file: string, error: unknown): Problem {
  const isDamaged = codeOf(error)?.startsWith('Z_') ?? false
  return new Problem(`cannot read ${file}: ${isDamaged ? 'its gzip data is damaged or cut off' : reasonOf(error)}.`)
}
