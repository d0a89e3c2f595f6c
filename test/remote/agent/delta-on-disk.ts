/** Deltas between trees on the disk, made by the real code. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { ManifestBuilder } from '../../../src/build/manifest-builder.js'
import { tarPick } from '../../../src/build/tar-pick.js'
import { patchBody } from '../../../src/execute/deltas.js'
import { planDelta, type Delta } from '../../../src/release/delta.js'
import type { Manifest } from '../../../src/release/release.js'
import { delta } from '../../../src/remote/verbs.js'
import type { Answer } from '../../../src/remote/answers.js'
import type { LocalHost } from './host.js'
import { listingDigest } from '../../../src/release/listing.js'
import { sha256 } from './release-on-disk.js'

/** A tar as git makes it: names without a leading `./`. */
export function tarOfTree(root: string): Buffer {
  const names = readdirSync(root, { encoding: 'buffer' })
  return execFileSync('tar', ['-cf', '-', '--null', '-C', root, '-T', '-'], {
    input: Buffer.concat(names.flatMap((name) => [Buffer.from('./'), name, Buffer.of(0)])),
    env: { ...process.env, TAR_OPTIONS: '--format=pax --transform=s,^\\./,,' },
    maxBuffer: 2 ** 30,
  })
}

export function manifestOf(tar: Buffer): Manifest {
  const builder = new ManifestBuilder([])
  builder.push(tar)
  return builder.finish()
}

export interface PackedDelta {
  readonly delta: Delta
  readonly patch: Buffer
  readonly tar: Buffer
  readonly digest: string
  readonly baseDigest: string
}

export async function packDelta(
  baseRoot: string,
  nextRoot: string,
  shared: readonly string[] = [],
): Promise<PackedDelta> {
  const nextTar = tarOfTree(nextRoot)
  const base = manifestOf(tarOfTree(baseRoot))
  const next = manifestOf(nextTar)
  const planned = planDelta(base, next, shared)
  const chunks: Buffer[] = []
  for await (const chunk of tarPick(oneChunk(nextTar), planned)) chunks.push(chunk)
  return {
    delta: planned,
    patch: planned.patch,
    tar: Buffer.concat(chunks),
    digest: listingDigest(next),
    baseDigest: listingDigest(base),
  }
}

/** The same, told as differences from the files that the base has in `baseRoot`. */
export async function packDifferences(
  baseRoot: string,
  nextRoot: string,
  shared: readonly string[] = [],
): Promise<PackedDelta> {
  const packed = await packDelta(baseRoot, nextRoot, shared)
  if (packed.delta.replaced === undefined) throw new Error('a file is shared')
  const replaced = packed.delta.replaced.map(({ path }) => {
    return readFileSync(Buffer.concat([Buffer.from(`${baseRoot}/`), path]))
  })
  const directory = mkdtempSync(join(tmpdir(), 'deliver-differences-'))
  try {
    const open = () => oneChunk(tarOfTree(nextRoot))
    const body = await patchBody({ directory, open }, packed.delta, replaced)
    const bytes = await buffer(body.open())
    return { ...packed, patch: bytes.subarray(0, body.patchSize), tar: bytes.subarray(body.patchSize) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

export interface DeltaOptions {
  readonly base?: string
  readonly id?: string
  readonly shared?: readonly string[]
  readonly verify?: 'changed' | 'full'
  readonly fence?: number
  readonly limit?: number
  readonly lockWait?: number
  readonly fromReplaced?: boolean
}

/** Stages a release by a delta that comes with the call. */
export function stageDelta(
  host: LocalHost,
  release: string,
  packed: PackedDelta,
  {
    base = 'v1',
    id = 'd1',
    shared = [],
    verify = 'changed',
    fence = 1,
    fromReplaced = false,
    ...limits
  }: DeltaOptions = {},
): Promise<Answer> {
  const bytes = Buffer.concat([packed.patch, packed.tar])
  const body = { size: bytes.length, sha256: sha256(bytes), patchSize: packed.patch.length }
  const from = { release: base, digest: packed.baseDigest }
  return host.call(
    delta({
      ...limits,
      ...{ fence, release, id, digest: packed.digest, base: from, body, shared, verify },
      ...{ encoding: fromReplaced ? 'zstd' : 'none', fromReplaced },
    }),
    { stdin: bytes },
  )
}
