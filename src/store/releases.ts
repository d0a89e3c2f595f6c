import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import type { ArchiveFormat, Body, ReleaseRecord } from '../release/release.js'
import { readFields, readText, sha256, type Fields } from './json.js'
import { releaseOfRecordKey, releaseRecordKey, releasesPrefix } from './layout.js'

export interface PublishedRelease {
  readonly release: string
  /** By the store's clock, in ms since 1970. */
  readonly publishedAt: number
}

/** The record of a release, or undefined when it was never published whole. */
export async function readRelease(
  store: Store,
  app: string,
  release: string,
): Promise<ReleaseRecord | undefined> {
  const key = releaseRecordKey(app, release)
  const text = await readText(store, key)
  return text === undefined ? undefined : parseRelease(key, text, { app, release })
}

/** Releases that are published whole, newest first. */
export async function listReleases(store: Store, app: string): Promise<readonly PublishedRelease[]> {
  const keys = await store.list(releasesPrefix(app))
  return keys
    .flatMap(({ key, modifiedAt }) => {
      const release = releaseOfRecordKey(app, key)
      return release === undefined ? [] : [{ release, publishedAt: modifiedAt }]
    })
    .sort(newestFirst)
}

export async function newestRelease(store: Store, app: string): Promise<string | undefined> {
  return (await listReleases(store, app))[0]?.release
}

/** Some stores tell whole seconds only, so the number in the name decides within one. */
function newestFirst(a: PublishedRelease, b: PublishedRelease): number {
  return b.publishedAt - a.publishedAt || b.release.localeCompare(a.release, 'en', { numeric: true })
}

const formats: readonly ArchiveFormat[] = ['tar.zst', 'tar.gz', 'tar']

/** `format` of an archive, checked. */
export function formatOf(where: string, fields: Fields): ArchiveFormat {
  const text = fields.text('format')
  const format = formats.find((each) => each === text)
  if (format !== undefined) return format
  throw new DeliverError(
    'precondition',
    `${where}: archives of format ${JSON.stringify(text)} are not known`,
    {
      fix: 'Update deliver, or publish the release again.',
    },
  )
}

export function bodyOf(fields: Fields): Body {
  return { size: fields.count('size'), sha256: fields.text('sha256', sha256) }
}

const releaseName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/
const objectId = /^[0-9a-f]{40}([0-9a-f]{24})?$/

export function parseRelease(
  key: string,
  text: string,
  named: { readonly app: string; readonly release: string },
): ReleaseRecord {
  const record = readFields(key, text)
  for (const name of ['app', 'release'] as const) {
    if (record.text(name) === named[name]) continue
    throw new DeliverError('precondition', `${key}: it is of ${name} ${JSON.stringify(record.text(name))}`, {
      fix: 'Somebody copied it there. Publish the release again under another name.',
    })
  }
  const source = record.object('source')
  const archive = record.object('archive')
  const manifest = record.object('manifest')
  const branch = source.optionalText('branch')
  const appVersion = record.optionalText('appVersion')
  const confirm = record.optionalText('confirm')
  const oldestRollback = record.has('oldestRollback') ? record.text('oldestRollback', releaseName) : undefined
  return {
    version: 1,
    ...named,
    commit: record.text('commit', objectId),
    source: {
      commit: source.text('commit', objectId),
      ...(branch === undefined ? {} : { branch }),
      author: source.text('author'),
      subject: source.text('subject'),
      time: source.text('time'),
    },
    ...(appVersion === undefined ? {} : { appVersion }),
    ...(confirm === undefined ? {} : { confirm }),
    ...(oldestRollback === undefined ? {} : { oldestRollback }),
    archive: { ...bodyOf(archive), format: formatOf(key, archive) },
    tar: bodyOf(record.object('tar')),
    manifest: {
      ...bodyOf(manifest),
      file: manifest.text('file', /^manifest\.json(\.zst|\.gz)?$/),
      entries: manifest.count('entries'),
      bytes: manifest.count('bytes'),
      digest: manifest.text('digest', sha256),
    },
  }
}
