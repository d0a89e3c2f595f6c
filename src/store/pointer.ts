import { randomUUID } from 'node:crypto'
import { DeliverError } from '../errors.js'
import type { Clock, Store } from '../ports.js'
import type { ArchiveFormat, Body, ReleaseRecord } from '../release/release.js'
import { pointerStatement } from '../release/statement.js'
import type { BootFiles, StoredBody } from './boot-files.js'
import { bootLine, tellsTheSame, type BootWord } from './boot-line.js'
import { decidedWrite } from './decided-write.js'
import { readFields, sha256, type Fields } from './json.js'
import { pointerKey, releaseKeys, type ReleaseKeys } from './layout.js'
import { bodyOf, formatOf } from './releases.js'
import { signatureForm } from './signatures.js'

/** `current.json`: the release that a booting server installs, with all it needs to fetch and verify it. */
export interface Pointer {
  readonly version: 1
  readonly release: string
  readonly archive: Body & { readonly key: string; readonly format: ArchiveFormat }
  readonly tar: Body
  readonly manifest: StoredBody & { readonly digest: string }
  /** What a server that boots needs beside; undefined in a pointer of an earlier version of deliver. */
  readonly agent?: StoredBody
  readonly listing?: StoredBody
  /** Of the lease that moved it: on a host that has seen a later deploy, that one wins. */
  readonly fence?: number
  /** All of it for a POSIX shell; see boot-line.ts. */
  readonly boot?: string
  /** Of `boot`, base64 on one line. */
  readonly signature?: string
  /** Grows by one with each move, back to an older release too: hosts refuse a smaller one than they have seen. */
  readonly generation: number
  /** ISO 8601, by the mover's clock, for people. */
  readonly movedAt: string
  readonly movedBy: string
  /** Tells this write from all others. */
  readonly nonce: string
}

export interface MovePointer {
  readonly store: Store
  readonly clock: Pick<Clock, 'now'>
  readonly environment: string
  /** The release to point to. */
  readonly record: ReleaseRecord
  /** The generation that the caller based its decision on; undefined: there was no pointer. */
  readonly expected: number | undefined
  readonly movedBy: string
  /** Signs what servers that boot read; undefined: it is not signed. */
  readonly sign?: ((statement: string) => Promise<string>) | undefined
  /** For servers that boot; without it they can't. */
  readonly boot?: {
    readonly fence: number
    readonly files: BootFiles
    /** How they install and start the app. */
    readonly settings: readonly BootWord[]
    /** Of the release, for servers that take signed ones only. */
    readonly signed?: { readonly statement: string; readonly signature: string } | undefined
  }
}

export async function readPointer(
  store: Store,
  app: string,
  environment: string,
): Promise<Pointer | undefined> {
  return (await readVersioned(store, pointerKey(app, environment)))?.pointer
}

/** `moved` is false when it named the release already, and tells servers that boot the same. A move by somebody else in between is an error of kind `failed`. */
export async function movePointer(
  move: MovePointer,
): Promise<{ readonly moved: boolean; readonly pointer: Pointer }> {
  const { store, record } = move
  const key = pointerKey(record.app, move.environment)
  const before = await readVersioned(store, key)
  if (before !== undefined && names(before.pointer, move)) return { moved: false, pointer: before.pointer }
  if (before !== undefined && before.pointer.generation !== move.expected) throw movedBy(key, before.pointer)
  if (before === undefined && move.expected !== undefined) throw movedBy(key, undefined)

  const pointer = await signed(move, pointerTo(move, (before?.pointer.generation ?? 0) + 1))
  const version = await decidedWrite({
    store,
    key,
    text: `${JSON.stringify(pointer, null, 2)}\n`,
    expected: before?.version,
    isOurs: (text) => parsePointer(key, text).nonce === pointer.nonce,
  })
  const after = await readPointer(store, record.app, move.environment)
  if (version === undefined || after?.nonce !== pointer.nonce) throw movedBy(key, after)
  return { moved: true, pointer: after }
}

async function signed({ sign }: MovePointer, pointer: Pointer): Promise<Pointer> {
  if (sign === undefined || pointer.boot === undefined) return pointer
  return { ...pointer, signature: await sign(pointerStatement(pointer.boot)) }
}

function names(pointer: Pointer, { record, boot, sign }: MovePointer): boolean {
  return (
    (sign === undefined || pointer.signature !== undefined) &&
    (boot === undefined || tellsTheSame(pointer.boot, bootWords(record, boot))) &&
    pointer.release === record.release &&
    pointer.archive.sha256 === record.archive.sha256 &&
    pointer.manifest.digest === record.manifest.digest
  )
}

function keysOf(record: ReleaseRecord): ReleaseKeys {
  const { format } = record.archive
  return releaseKeys(record.app, record.release, { format, manifestFile: record.manifest.file })
}

function bootWords(
  record: ReleaseRecord,
  { files, settings, signed }: NonNullable<MovePointer['boot']>,
): readonly BootWord[] {
  const body = (name: string, { key, size, sha256 }: StoredBody): readonly BootWord[] => [
    [`${name}.key`, key],
    [`${name}.size`, String(size)],
    [`${name}.sha256`, sha256],
  ]
  return [
    ['release', record.release],
    ['format', record.archive.format],
    ...body('archive', { key: keysOf(record).archive, ...record.archive }),
    ...body('listing', files.listing),
    ...body('agent', files.agent),
    ...settings,
    ...(signed === undefined
      ? []
      : ([
          ['statement', signed.statement.trimEnd()],
          ['signature', signed.signature],
        ] as const)),
  ]
}

function pointerTo({ record, clock, movedBy, boot }: MovePointer, generation: number): Pointer {
  const { format } = record.archive
  const keys = keysOf(record)
  const body = ({ size, sha256 }: Body): Body => ({ size, sha256 })
  return {
    version: 1,
    release: record.release,
    archive: { key: keys.archive, format, ...body(record.archive) },
    tar: body(record.tar),
    manifest: { key: keys.manifest, ...body(record.manifest), digest: record.manifest.digest },
    ...(boot === undefined
      ? {}
      : {
          ...boot.files,
          fence: boot.fence,
          boot: bootLine({ generation, fence: boot.fence }, bootWords(record, boot)),
        }),
    generation,
    movedAt: new Date(clock.now()).toISOString(),
    movedBy,
    nonce: randomUUID(),
  }
}

async function readVersioned(
  store: Store,
  key: string,
): Promise<{ readonly pointer: Pointer; readonly version: string } | undefined> {
  const document = await store.readDocument(key)
  if (document === undefined) return undefined
  return { pointer: parsePointer(key, document.text), version: document.version }
}

function parsePointer(key: string, text: string): Pointer {
  const fields = readFields(key, text)
  const archive = fields.object('archive')
  const manifest = fields.object('manifest')
  return {
    version: 1,
    release: fields.text('release', /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/),
    archive: { key: archive.text('key'), format: formatOf(key, archive), ...bodyOf(archive) },
    tar: bodyOf(fields.object('tar')),
    manifest: { key: manifest.text('key'), ...bodyOf(manifest), digest: manifest.text('digest', sha256) },
    ...(fields.has('boot') ? bootParts(fields) : {}),
    generation: fields.count('generation'),
    movedAt: fields.text('movedAt'),
    movedBy: fields.text('movedBy'),
    nonce: fields.text('nonce'),
  }
}

function bootParts(fields: Fields): Pick<Pointer, 'agent' | 'listing' | 'fence' | 'boot' | 'signature'> {
  const body = (name: string): StoredBody => {
    const part = fields.object(name)
    return { key: part.text('key'), ...bodyOf(part) }
  }
  return {
    agent: body('agent'),
    listing: body('listing'),
    fence: fields.count('fence'),
    boot: fields.text('boot'),
    ...(fields.has('signature') ? { signature: fields.text('signature', signatureForm) } : {}),
  }
}

function movedBy(key: string, pointer: Pointer | undefined): DeliverError {
  const what =
    pointer === undefined
      ? 'pointer removed by somebody else'
      : `pointer moved by ${pointer.movedBy} to ${pointer.release} at ${pointer.movedAt}`
  return new DeliverError('failed', `${key}: ${what} in the meantime`, {
    fix: 'Look at what is deployed with deliver status, then deploy again.',
  })
}
