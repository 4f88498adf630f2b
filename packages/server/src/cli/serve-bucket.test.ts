import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ACCESS, BUCKET, openS3 } from '../jobs/fixtures/s3.ts'
import { start } from './testing.ts'

test('a server is told where buckets are, and copies exports there by the ranges that are opened', async () => {
  const s3 = await openS3()
  const folder = mkdtempSync(join(tmpdir(), 'damson-serve-bucket-'))
  const config = join(folder, 'config.json')
  const keys = { production: ['prod_test'], dataExport: ['export_test'] }
  writeFileSync(
    config,
    JSON.stringify({
      apps: [{ appId: 'shop', name: 'Shop', keys }],
      exports: { availabilitySeconds: 0, s3: { endpoint: s3.endpoint, region: 'eu-central-1' } },
    }),
  )
  const flags = ['--memory', '--port', '0', '--log-level', 'silent', '--config', config]
  const session = start(['serve', ...flags, '--allow-private-destinations', '127.0.0.1'])
  try {
    const url = (await session.saying('damson listening on ')).replace('damson listening on ', '')
    const ask = async (args: object) => {
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ appId: 'shop', ...args }) })
      return ((await answer.json()) as { response: Record<string, unknown>[] }).response[0]!
    }
    for (const action of ['start', 'stop']) await ask({ action, clientKey: 'prod_test', userId: 'ann' })
    const startDate = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Los_Angeles' }).format().replaceAll('-', '')
    const of = { clientKey: 'export_test' }
    const { jobId } = await ask({ action: 'exportData', ...of, startDate, s3BucketName: BUCKET, ...ACCESS })
    let results: Record<string, unknown>
    do results = await ask({ action: 'getExportResults', ...of, jobId })
    while (results.state === 'PENDING' || results.state === 'RUNNING')
    expect(results).toMatchObject({ state: 'FINISHED', s3CopyStatus: 'SUCCESS' })
    expect((await s3.objects()).size).toBe(2)
  } finally {
    session.interrupt()
    await session.code
    await s3.close()
    rmSync(folder, { recursive: true })
  }
})
