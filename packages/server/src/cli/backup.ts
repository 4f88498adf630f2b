import { mkdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { DamsonError } from '@damson/core'
import { checkDatabase } from '../store/sqlite/check-database.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { digestOf, isBackup, isEmptyFolder, type Manifest, putWhole, readManifest } from './backup-files.ts'
import { removeLeftovers, settleFile, sizeOf, writeManifest } from './backup-files.ts'
import { remoteControl } from './control.ts'
import { dataOption, filesOf } from './data.ts'
import { Problem } from './problem.ts'
import type { Terminal } from './terminal.ts'

export function addBackup(program: Command, terminal: Terminal): void {
  program
    .command('backup')
    .description('Copy everything to a new folder, while the server runs or not.')
    .argument('<folder>', 'where the copy is put; made if need be')
    .addOption(dataOption())
    .addOption(new Option('--json', 'print one JSON object').env('DAMSON_JSON'))
    .addHelpText(
      'after',
      `
The copy is a data folder: 'damson serve --data FOLDER' serves it.

Examples:
  damson backup /backups/monday --data /var/lib/damson
  damson verify-backup /backups/monday`,
    )
    .action(async (folder: string, { data, json }: { data: string; json?: true }) => {
      const manifest = await backup(resolve(data), resolve(folder))
      terminal.print(json ? JSON.stringify(manifest) : `Copied ${sumOf(manifest)} to ${folder}, and checked it.`)
    })

  program
    .command('verify-backup')
    .description('Check that a copy is whole and can be restored.')
    .argument('<folder>')
    .addOption(new Option('--json', 'print one JSON object').env('DAMSON_JSON'))
    .action(async (folder: string, { json }: { json?: true }) => {
      const manifest = await verify(resolve(folder))
      terminal.print(json ? JSON.stringify(manifest) : `Whole: ${sumOf(manifest)}, made ${manifest.madeAt}.`)
    })
}

/** Copies the database as it is at one instant, then the files beside it; a folder with a manifest is finished. */
async function backup(data: string, folder: string): Promise<Manifest> {
  if (!existsSync(join(data, 'damson.db')))
    throw new Problem(`there is no damson.db in ${data}. Choose it with --data.`)
  if (isBackup(folder)) throw new Problem(`${folder} holds a backup already. Choose a new folder, or remove that one.`)
  await mkdir(folder, { recursive: true })
  if (!(await isEmptyFolder(folder))) throw new Problem(`${folder} holds something else. Choose a new folder.`)
  await removeLeftovers(folder)
  const database = join(folder, 'damson.db')
  await copyDatabase(data, `${database}.part`)
  await checkDatabase(`${database}.part`)
  await settleFile(`${database}.part`, database)
  await copyFiles(data, folder)
  const files: Manifest['files'] = []
  for (const name of ['damson.db', ...(await filesOf(folder).list('')).map((file) => `files/${file}`)])
    files.push({ name, ...(await digestOf(join(folder, name))) })
  await writeManifest(folder, files, new Date())
  return readManifest(folder)
}

/** Whoever has the file copies it: we, or the server that runs. */
async function copyDatabase(data: string, target: string): Promise<void> {
  try {
    const store = await sqliteStore({ file: join(data, 'damson.db') })
    try {
      await store.backup(target)
    } finally {
      await store.close()
    }
  } catch (error) {
    if (!DamsonError.isInstance(error, 'STORE_LOCKED')) throw error
    const server = await remoteControl(data)
    await server.backup(target).finally(() => server.close())
  }
}

/** Files never change, so they need no instant; one that is removed meanwhile was not to be kept. */
async function copyFiles(data: string, folder: string): Promise<void> {
  const from = filesOf(data)
  for (const name of await from.list('')) {
    const file = await from.get(name)
    if (file !== null) await putWhole(join(folder, 'files', name), file.content)
  }
}

/** @throws {Problem} naming the first thing that is not as it was when the backup was made */
async function verify(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder)
  for (const { name, bytes, sha256 } of manifest.files) {
    const file = join(folder, name)
    const found = await sizeOf(file)
    if (found === null) throw new Problem(`${file} is missing: this copy is not whole.`)
    if (found !== bytes) throw new Problem(`${file} has ${found} bytes, and had ${bytes}: this copy is damaged.`)
    if ((await digestOf(file)).sha256 !== sha256) throw new Problem(`${file} has changed: this copy is damaged.`)
  }
  if (!manifest.files.some(({ name }) => name === 'damson.db')) throw new Problem('The copy has no damson.db.')
  await checkDatabase(join(folder, 'damson.db'))
  return manifest
}

function sumOf({ files }: Manifest): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${(bytes / 1_000_000).toFixed(1)} MB`
}
