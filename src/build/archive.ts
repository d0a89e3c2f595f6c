import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeliverError } from '../errors.js'
import type { Commit, Git } from '../ports.js'
import { manifestFile } from '../release/manifest.js'
import { checkReleaseName } from '../release/name.js'
import type { ArchiveFormat, Body, ReleaseRecord } from '../release/release.js'
import type { Reporter } from '../report/events.js'
import { parseRelease } from '../store/releases.js'
import { type ArchiveFiles, archiveFiles, bodyOf, writeWhole } from './archive-files.js'
import { partsOf } from './archive-parts.js'
import { levelOf } from './compressor.js'
import { encodeParts, findKnownParts } from './known-parts.js'
import { marksOfCommit, versionOfPackage } from './marks.js'
import { packRelease, type PackedRelease, type PackRequest } from './packed-release.js'
import { type Provenance, provenanceOf } from './provenance.js'

export interface ArchiveRequest {
  readonly git: Git
  readonly reporter: Reporter
  readonly app: string
  readonly release: string
  readonly format: ArchiveFormat
  readonly level?: number | undefined
  /** false: nothing is copied from earlier archives. */
  readonly reuse?: boolean | undefined
  /** Default: `archives` in deliver's directory of the clone. */
  readonly directory?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ArchiveResult {
  readonly outcome: 'created' | 'reused'
  readonly record: ReleaseRecord
  readonly files: ArchiveFiles
  /** Of an archive that was made now, what hosts compare their tree with: see release/listing.ts. */
  readonly listing?: Buffer | undefined
}

export function archivesDirectory(git: Git, directory: string | undefined): string {
  return directory ?? join(git.location.state, 'archives')
}

/** Writes the archive of a prebuilt tag, its manifest and its record. One that is there already, of the same commit and intact, is kept. */
export async function archiveRelease(request: ArchiveRequest): Promise<ArchiveResult> {
  checkReleaseName(request.release)
  const { commit, provenance } = await prebuilt(request.git, request.release)
  const files = archiveFiles(
    archivesDirectory(request.git, request.directory),
    request.release,
    request.format,
  )
  const existing = await intactRecord(files, request, commit.id)
  if (existing !== undefined) {
    request.reporter.event({ type: 'note', text: `${files.archive} is there already, and intact` })
    return { outcome: 'reused', record: existing, files }
  }
  const packed = await pack(request, files, {
    commit: commit.id,
    time: commit.time,
    deps: provenance.deps,
  })
  const { manifest, manifestBody, listing, tar, archive, packageFile, parts } = packed
  const appVersion = versionOfPackage(packageFile)
  const source = await request.git.commit(provenance.source)
  const record: ReleaseRecord = {
    version: 1,
    app: request.app,
    release: request.release,
    commit: commit.id,
    source: sourceOf(source, provenance),
    ...(appVersion === undefined ? {} : { appVersion }),
    ...marksOfCommit(source),
    archive: { ...archive, format: request.format },
    tar,
    manifest: {
      ...manifestBody,
      file: manifestFile,
      entries: manifest.entries.length,
      bytes: manifest.entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0),
      digest: createHash('sha256').update(listing).digest('hex'),
    },
  }
  if (parts.length > 0) await writeWhole(files.parts, [encodeParts(record, levelOf(request), parts)])
  // Last, as in the store: an archive counts when its record is there.
  await writeWhole(files.record, [encodeRecord(record)])
  return { outcome: 'created', record, files, listing }
}

async function prebuilt(git: Git, release: string): Promise<{ commit: Commit; provenance: Provenance }> {
  const id = await git.resolve(`refs/tags/${release}`)
  if (id === undefined) {
    throw new DeliverError('precondition', `there is no tag ${release} in this clone`, {
      fix: `Run \`deliver commit-deps --tag ${release}\` first.`,
    })
  }
  const commit = await git.commit(id)
  const provenance = provenanceOf(commit)
  if (provenance === undefined || provenance.release !== release) {
    throw new DeliverError(
      'precondition',
      `tag ${release} is not a build of deliver (${id.slice(0, 12)} "${commit.subject}")`,
      {
        fix: 'Build it with `deliver commit-deps` under a name of its own.',
      },
    )
  }
  if (provenance.subdirectory === git.location.subdirectory) return { commit, provenance }
  throw new DeliverError(
    'precondition',
    `tag ${release} is a build of the app in ${provenance.subdirectory || 'the root'} of the repository`,
    {
      fix: 'Run deliver with the config of that app, or build this one under another name.',
    },
  )
}

/** With what the last archives have of it. */
async function pack(
  request: ArchiveRequest,
  files: ArchiveFiles,
  { commit, time, deps }: Pick<PackRequest, 'commit' | 'time' | 'deps'>,
): Promise<PackedRelease> {
  const { git, format, level, signal, app, reporter } = request
  const parts = await partsOf(git, commit, deps)
  const directory = archivesDirectory(git, request.directory)
  const packing = { format, level: levelOf({ format, level }) }
  const known = request.reuse === false ? undefined : await findKnownParts({ directory, app }, packing, parts)
  return packRelease({ git, commit, time, deps, parts, known, format, level, files, reporter, signal })
}

async function intactRecord(
  files: ArchiveFiles,
  request: ArchiveRequest,
  commit: string,
): Promise<ReleaseRecord | undefined> {
  const record = await readArchiveRecord(files.record, { app: request.app, release: request.release })
  if (record === undefined || record.commit !== commit || record.archive.format !== request.format)
    return undefined
  const intact =
    sameBody(await bodyOf(files.archive), record.archive) &&
    sameBody(await bodyOf(files.manifest), record.manifest)
  return intact ? record : undefined
}

/** The record beside an archive; undefined when there is none that can be trusted, and the archive is made again. */
async function readArchiveRecord(
  path: string,
  named: { readonly app: string; readonly release: string },
): Promise<ReleaseRecord | undefined> {
  try {
    return parseRelease(path, await readFile(path, 'utf8'), named)
  } catch {
    return undefined
  }
}

export function encodeRecord(record: ReleaseRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`)
}

function sameBody(found: Body | undefined, expected: Body): boolean {
  return found !== undefined && found.size === expected.size && found.sha256 === expected.sha256
}

function sourceOf(source: Commit, provenance: Provenance): ReleaseRecord['source'] {
  return {
    commit: source.id,
    ...(provenance.branch === undefined ? {} : { branch: provenance.branch }),
    author: source.author.name,
    subject: source.subject,
    time: new Date(source.time * 1000).toISOString(),
  }
}
