import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Files, folderFiles, memoryFiles } from './files.ts'

describe.each(['memory', 'folder'])('files in %s', (kind) => {
  async function within(use: (files: Files, folder: string) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'damson-files-'))
    await use(kind === 'memory' ? memoryFiles() : folderFiles(folder), folder)
    rmSync(folder, { recursive: true })
  }

  test('a file is read as it was put, replaced whole, listed and removed', () =>
    within(async (files) => {
      expect(await files.get('a/b.json')).toBeNull()
      expect(await files.list('')).toEqual([])
      expect(await files.put('a/b.json', [Buffer.from('one '), Buffer.from('two')])).toEqual({ bytes: 7 })
      await files.put('a/c.json', [])
      await files.put('a/b.json', [Buffer.from('three')])
      expect(await text(files, 'a/b.json')).toBe('three')
      expect(await files.list('a/')).toEqual(['a/b.json', 'a/c.json'])
      await files.remove('a/b.json')
      await files.remove('a/b.json')
      expect(await files.get('a/b.json')).toBeNull()
    }))

  test('content that breaks off leaves what was there', () =>
    within(async (files, folder) => {
      await files.put('a', [Buffer.from('whole')])
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half')
        throw new Error('the line was cut')
      }
      await expect(files.put('a', broken())).rejects.toThrow('the line was cut')
      expect(await text(files, 'a')).toBe('whole')
      if (kind === 'folder') expect(readdirSync(folder)).toEqual(['a'])
    }))

  test('what brings content may use its memory again for the next chunk', () =>
    within(async (files) => {
      const chunk = Buffer.alloc(3)
      async function* reusing(): AsyncGenerator<Uint8Array> {
        for (const piece of ['one', 'two', 'ten']) {
          chunk.write(piece)
          yield chunk
        }
      }
      await files.put('a', reusing())
      expect(await text(files, 'a')).toBe('onetwoten')
    }))

  test.each(['', '/etc/passwd', '../up', 'a/../b', 'a//b', 'a/', '.hidden', 'a\\b', 'ü', 'a\u0000'])(
    'the name %j is refused',
    (name) =>
      within(async (files) => {
        await expect(async () => files.put(name, [])).rejects.toThrow(RangeError)
        await expect(async () => files.get(name)).rejects.toThrow(RangeError)
        await expect(async () => files.remove(name)).rejects.toThrow(RangeError)
      }),
  )
})

async function text(files: Files, name: string): Promise<string> {
  const file = await files.get(name)
  const chunks: Uint8Array[] = []
  for await (const chunk of file?.content ?? []) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  expect(bytes.length).toBe(file?.bytes)
  return bytes.toString()
}
