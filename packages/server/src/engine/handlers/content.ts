import { done, failed } from '@damson/core/protocol'
import { toldTest, toldVariant, visibleTests } from '../../content/ab-tests.ts'
import { MAX_VARIABLES_BYTES, withoutVars, withVars } from '../../content/code.ts'
import { CODE_DOCUMENT, codeOf, documentId, sectionOf } from '../../content/documents.ts'
import { filesKind, type KeptFile, pathOfFile } from '../../content/files.ts'
import { isWithin } from '../../content/names.ts'
import { contentKind } from '../../content/snapshot.ts'
import { namedUploads } from '../../content/uploads.ts'
import { content } from '../content.ts'
import { publicFileUrl } from '../public-files.ts'
import type { Decide } from '../scene.ts'
import type { AppQuery } from './index.ts'

/** `getVars` (specification 8.2): the content of `start`, without a session. */
export const getVars: Decide<'getVars'> = ({ subject }, args, scene) => done(content(subject, scene, args))

/** `setVars` (specification 8.14): what the app's code has as defaults. Saying the same again changes nothing. */
export const setVars: AppQuery<'setVars'> = (args, { app }, { catalog }) =>
  catalog.change(app.appId, contentKind, ({ documents }) => {
    const before = codeOf(documents)
    const after = withVars(before, args)
    if (after === null) return { answer: failed('INVALID_ARGUMENT', { name: 'vars' }) }
    const text = JSON.stringify(after)
    if (text === JSON.stringify(before)) return { answer: done() }
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_VARIABLES_BYTES)
      return { answer: failed('VARIABLES_TOO_LARGE', { bytes, limit: MAX_VARIABLES_BYTES }) }
    return { answer: done(), put: { [CODE_DOCUMENT]: after } }
  })

/** `deleteVars` (specification 8.14): what the code said of variables, and what was published for them. */
export const deleteVars: AppQuery<'deleteVars'> = ({ vars }, { app }, { catalog }) =>
  catalog.change(app.appId, contentKind, ({ documents }) => {
    const code = codeOf(documents)
    const published = Object.keys(sectionOf(documents, 'variables'))
    const names = [...Object.keys(code.defaults), ...published]
    const removed = vars.filter((name) => names.some((one) => isWithin(one, name)))
    const gone = published.filter((one) => removed.some((name) => isWithin(one, name)))
    return {
      answer: done({ variablesRemoved: removed }),
      ...(removed.length > 0 && {
        put: {
          [CODE_DOCUMENT]: withoutVars(code, removed),
          ...Object.fromEntries(gone.map((name) => [documentId('variables', name), null])),
        },
      }),
    }
  })

/** `uploadFile` (specification 8.14). The bytes are durable before the name leads to them. */
export const uploadFile: AppQuery<'uploadFile'> = async (args, { app, services, now, uploads }, { catalog, files }) => {
  const named = namedUploads(args, uploads)
  if (!named.ok) return failed('INVALID_UPLOAD', { reason: named.reason })
  const put: Record<string, KeptFile> = {}
  for (const [name, { bytes, md5 }] of named.files) {
    const path = pathOfFile(name, app.number, services.token())
    await files.put(path, [bytes])
    put[name] = { path, bytes: bytes.length, md5, uploadedAt: now }
  }
  const replaced = await catalog.change(app.appId, filesKind, ({ documents }) => ({
    answer: Object.keys(put).flatMap((name) => documents.get(name) ?? []) as KeptFile[],
    put,
  }))
  for (const { path } of replaced) await files.remove(path)
  return done()
}

/** `downloadFile` (specification 8.14): says where the file is. */
export const downloadFile: AppQuery<'downloadFile'> = ({ filename }, { app, services, caller }) => {
  const file = services.catalog.of(app.appId, filesKind).get(filename)
  if (file === undefined) return failed('FILE_NOT_FOUND')
  // Where nobody knows our address, what stands beside `api` is still found.
  return { status: 302, success: true, redirect: publicFileUrl(caller.baseUrl ?? '.', file.path) }
}

export const getAbTests: AppQuery<'getAbTests'> = (args, { app, services, now }) => {
  const tests = visibleTests(services.catalog.of(app.appId, contentKind), args, now)
  return done({ abTests: tests.map((test) => toldTest(test, now)) })
}

export const getAbTest: AppQuery<'getAbTest'> = ({ id, includeDrafts }, { app, services, now }) => {
  const known = services.catalog.of(app.appId, contentKind)
  const test = visibleTests(known, { includeDrafts, recent: false }, now).find((one) => one.id === id)
  return test === undefined ? failed('AB_TEST_NOT_FOUND') : done({ abTest: toldTest(test, now) })
}

export const getVariant: AppQuery<'getVariant'> = ({ id, includeDrafts }, { app, services, now }) => {
  const known = services.catalog.of(app.appId, contentKind)
  const test = visibleTests(known, { includeDrafts, recent: false }, now).find(({ byId }) => byId.has(id))
  const variant = test?.byId.get(id)
  if (test === undefined || variant === undefined) return failed('VARIANT_NOT_FOUND')
  return done({ variant: toldVariant(test, variant) })
}
