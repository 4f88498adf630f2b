import { expect, test } from 'vitest'
import { type Files, memoryFiles } from '../store/files.ts'
import { createPartWriter } from './part-writer.ts'

const PIECE_BYTES = 64 * 1024

async function textOf(files: Files, name: string): Promise<string | null> {
  const file = await files.get(name)
  if (file === null) return null
  const chunks: Uint8Array[] = []
  for await (const chunk of file.content) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('what is written is there when it has ended, byte for byte, whatever its length', async () => {
  const files = memoryFiles()
  const writer = createPartWriter(files, 'a')
  const rows = Array.from({ length: 4_000 }, (_, index) => `${index} ${'üé€😀'.repeat(index % 40)}\n`)
  const longer = '€'.repeat(PIECE_BYTES)
  const texts = [...rows, longer, 'x'.repeat(PIECE_BYTES), '', 'x'.repeat(PIECE_BYTES - 1), '€', 'the end']
  for (const text of texts) await writer.write(text)
  const whole = texts.join('')
  expect(writer.bytes).toBe(Buffer.byteLength(whole))
  expect(await textOf(files, 'a')).toBeNull()
  await writer.end()
  expect((await textOf(files, 'a')) === whole).toBe(true)
})

test('nothing written is an empty file', async () => {
  const files = memoryFiles()
  await createPartWriter(files, 'a').end()
  expect(await textOf(files, 'a')).toBe('')
})

test('of what is abandoned nothing stays', async () => {
  const files = memoryFiles()
  const writer = createPartWriter(files, 'a')
  for (let piece = 0; piece < 3; piece++) await writer.write('x'.repeat(PIECE_BYTES))
  await writer.abandon(new Error('not needed any more'))
  expect(await textOf(files, 'a')).toBeNull()
})

test('whoever writes hears that the disk is full, and waits for it no longer than needed', async () => {
  const full: Files = {
    ...memoryFiles(),
    async put(_, content) {
      let taken = 0
      for await (const chunk of content) {
        taken += chunk.length
        if (taken > 2 * PIECE_BYTES) throw new Error('no space left')
      }
      return { bytes: taken }
    },
  }
  const writer = createPartWriter(full, 'a')
  const writing = async () => {
    for (let piece = 0; piece < 10; piece++) await writer.write('x'.repeat(PIECE_BYTES))
  }
  await expect(writing()).rejects.toThrow('no space left')
  await expect(writer.end()).rejects.toThrow('no space left')
})
