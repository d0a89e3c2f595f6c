import { createHash } from 'node:crypto'
import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import { listingBytes } from '../release/listing.js'
import { decodeManifest } from '../release/manifest.js'
import type { Body, ReleaseRecord } from '../release/release.js'
import { agentKey, releaseKeys } from './layout.js'

/** An object of the store, with what proves that its bytes are the right ones. */
export interface StoredBody extends Body {
  readonly key: string
}

/** What a server needs beside the archive to install a release by itself. */
export interface BootFiles {
  readonly agent: StoredBody
  readonly listing: StoredBody
}

interface Agent {
  readonly text: Buffer
  readonly sha256: string
  readonly file: string
}

/** Sees to it that the store has the agent and the release's listing: releases that were published earlier may lack it. Idempotent. */
export async function ensureBootFiles(store: Store, record: ReleaseRecord, agent: Agent): Promise<BootFiles> {
  const listing = (await knownListing(store, record)) ?? (await makeListing(store, record))
  const key = agentKey(record.app, agent.file)
  await ensure(store, key, agent.text)
  return { agent: { key, size: agent.text.length, sha256: agent.sha256 }, listing }
}

/** The listing that publish left, if it is what the record says: to read it is a tenth of the work of making it. */
async function knownListing(store: Store, record: ReleaseRecord): Promise<StoredBody | undefined> {
  const { listing: key } = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  if ((await store.size(key)) === undefined) return undefined
  const there = await readBody(store, key)
  return there.sha256 === record.manifest.digest ? { key, ...there } : undefined
}

async function readBody(store: Store, key: string): Promise<Body> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of (await store.read(key)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    size += chunk.length
  }
  return { size, sha256: hash.digest('hex') }
}

async function makeListing(store: Store, record: ReleaseRecord): Promise<StoredBody> {
  const { manifest } = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  const chunks: Buffer[] = []
  for await (const chunk of (await store.read(manifest)) as AsyncIterable<Buffer>) chunks.push(chunk)
  return ensureListing(store, record, listingBytes(await decodeManifest(Buffer.concat(chunks))))
}

/** The listing is what the record's digest is of: its bytes are never believed. */
export async function ensureListing(
  store: Store,
  record: ReleaseRecord,
  bytes: Buffer,
  signal?: AbortSignal,
): Promise<StoredBody> {
  const { listing: key } = releaseKeys(record.app, record.release, {
    format: record.archive.format,
    manifestFile: record.manifest.file,
  })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== record.manifest.digest)
    throw new DeliverError(
      'failed',
      `${store.name}: the manifest of ${record.release} is not the one of its record`,
      {
        fix: 'The release is damaged. Publish it again under another name.',
      },
    )
  await ensure(store, key, bytes, signal)
  return { key, size: bytes.length, sha256 }
}

async function ensure(store: Store, key: string, bytes: Buffer, signal?: AbortSignal): Promise<void> {
  if ((await store.create(key, bytes, { signal })) === 'created') return
  const { size, sha256 } = await readBody(store, key)
  if (sha256 === createHash('sha256').update(bytes).digest('hex')) return
  throw new DeliverError(
    'precondition',
    `${store.name}: ${key} is not what it must be (${size} bytes of other content)`,
    {
      fix: 'It is damaged, or somebody else wrote it, and servers that boot refuse it. Remove it, and run this again.',
    },
  )
}
