import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ask as askDatabase, createDatabase, findPostgres, type TestDatabase } from '../../store/postgres/testing.ts'
import { remoteControl } from '../control.ts'
import { finish, type Session, start } from '../testing.ts'

const USERS = 40
const postgres = await findPostgres()

describe.skipIf(postgres === null)('a folder whose server runs', () => {
  let folder: string
  let database: TestDatabase
  let serving: Session
  let origin: string
  const others: Session[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'damson-move-cli-'))
    database = await createDatabase(postgres ?? '', 'move')
    await finish(['migrate', '--postgres', database.url])
    const config = join(folder, 'apps.json')
    writeFileSync(config, JSON.stringify({ apps: [{ appId: 'shop', name: 'Shop', keys: { production: ['prod'] } }] }))
    serving = start(['serve', '--data', folder, '--port', '0', '--log-level', 'silent', '--config', config])
    origin = originOf(await serving.saying('damson listening on '))
    for (let user = 0; user < USERS; user += 1) expect(await track(`user ${user}`)).toBe(200)
  })
  afterEach(async () => {
    for (const session of [serving, ...others.splice(0)]) {
      session.interrupt()
      await session.code
    }
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  const originOf = (line: string) => line.replace('damson listening on ', '').replace(/\/api$/, '')
  const call = (userId: string, at = origin) => {
    const body = new URLSearchParams({ appId: 'shop', clientKey: 'prod', action: 'track', event: 'e', userId })
    return fetch(`${at}/api`, { method: 'POST', body })
  }
  const track = async (userId: string, at?: string) => (await call(userId, at)).status
  const moving = (...flags: string[]) => start(['move', '--from', folder, '--to', database.url, ...flags])
  const ended = async (session: Session) => {
    const code = await session.code
    return { code, out: session.printed.join('\n'), err: session.complaints.join('\n') }
  }
  const serve = (...flags: string[]) => {
    const session = start(['serve', '--port', '0', '--log-level', 'silent', ...flags])
    others.push(session)
    return session
  }

  test('is copied while it answers; then it refuses with Retry-After, and a server that waited goes on [B-05]', async () => {
    expect(await ended(moving('--copy-only'))).toMatchObject({ code: 0, err: '' })
    expect(await track('user 1')).toBe(200)
    const next = serve('--postgres', database.url)
    await next.saying('waiting for the move into this database to end')
    const { out, err } = await ended(moving())
    expect(err).toBe('')
    expect(out).toMatch(/profiles +40 +40\n/)
    expect(out).toMatch(/All of it is there\. Refused for \d+\.\d s so far/)
    const refused = await call('user 1')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await fetch(`${origin}/readyz`)).status).toBe(503)
    expect(await track('user 1', originOf(await next.saying('damson listening on ')))).toBe(200)
  })

  test('is closed for good: no server starts on it, until the move is undone [B-06]', async () => {
    await ended(moving())
    serving.interrupt()
    await serving.code
    const refused = await ended(serve('--data', folder))
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(
      /everything in it moved to postgres:\/\/.* at 20.*--postgres.*damson move --undo --from/,
    )
    expect((await ended(moving())).err).toContain('the folder has moved already')
    const undone = await ended(start(['move', '--from', folder, '--undo']))
    expect(undone.out).toMatch(
      /may be served again, as it was at 20.*: what happened since is in postgres:\/\/.* alone/,
    )
    const again = serve('--data', folder)
    expect(await track('user 1', originOf(await again.saying('damson listening on ')))).toBe(200)
  })

  test('goes on when whoever moves it goes away during the hand-over', async () => {
    const mover = await remoteControl(folder)
    await mover.move({ ask: 'begin', id: 'one' })
    await mover.move({ ask: 'hold' })
    expect(await track('user 1')).toBe(503)
    mover.close()
    await expect.poll(() => track('user 1')).toBe(200)
    const late = await remoteControl(folder)
    await expect(late.move({ ask: 'finish', to: 'there', at: 0 })).rejects.toThrow('the hand-over took too long')
    late.close()
    expect(await track('user 1')).toBe(200)
  })

  test('goes on when the copy is not the same', async () => {
    await ended(moving('--copy-only'))
    await askDatabase(database.url, `INSERT INTO devices VALUES (1, 'shop', 'stray', 'nobody')`)
    const counted = await ended(moving())
    expect(counted.out).toMatch(/devices +\d+ +\d+\n/)
    expect(counted.err).toContain('the counts differ: do not use the copy')
    expect(await track('user 1')).toBe(200)
    await askDatabase(database.url, `DELETE FROM devices WHERE device_id = 'stray'; UPDATE profiles SET doc = '{}'`)
    await askDatabase(database.url, 'UPDATE moving SET is_checked = false')
    expect((await ended(moving())).err).toContain('39 users are not the same in both')
    expect(await track('user 1')).toBe(200)
  })

  test('forgets a move that is undone, which then cannot be gone on with', async () => {
    await ended(moving('--copy-only'))
    expect((await ended(start(['move', '--from', folder, '--undo']))).out).toContain('The move is forgotten.')
    expect(await track('user 1')).toBe(200)
    expect((await ended(moving())).err).toContain('of this one as it was once. Use a new database')
  })

  test('is not mixed with what a server does in the target', async () => {
    await askDatabase(database.url, `INSERT INTO profiles VALUES (1, 'shop', 'ann', NULL, NULL, 0, '{}', NULL)`)
    expect((await ended(moving())).err).toContain('the target has users already')
    await askDatabase(database.url, 'DELETE FROM profiles')
    await serve('--postgres', database.url).saying('damson listening on ')
    expect((await ended(moving())).err).toContain('a server uses the target')
    expect((await ended(start(['move', '--from', folder]))).err).toContain('move where? Name a database with --to')
    const server = await remoteControl(folder)
    // Nothing is noted for a move that did not begin.
    expect(await server.move({ ask: 'begin', id: 'mine' })).toContain('"id":"mine"')
    server.close()
  })
})
