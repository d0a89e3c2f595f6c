import { createReadStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { ArchiveFiles } from '../build/archive-files.js'
import type { Config } from '../config/types.js'
import { messageOf } from '../errors.js'
import { DeltaPlans, Deltas } from '../execute/deltas.js'
import { encodings } from '../execute/material.js'
import { makePrivateDirectory } from '../execute/private-directory.js'
import { decompress } from '../build/decompressor.js'
import { outsidePaths } from '../execute/run.js'
import { smallBody } from '../execute/stage-delta.js'
import type { Store } from '../ports.js'
import { decodeManifest } from '../release/manifest.js'
import type { ReleaseRecord } from '../release/release.js'
import { readPointer } from '../store/pointer.js'
import { findReadyDelta, keepReadyDelta } from '../store/ready-deltas.js'
import { readRelease } from '../store/releases.js'
import type { CommandContext } from './context.js'

export interface Published {
  readonly config: Config
  readonly store: Store
  readonly record: ReleaseRecord
  readonly files: ArchiveFiles
}

/**
 * Makes the delta from the release in production, since the archive is at hand, so that a deploy needn't. Only one that is small, or
 * reading it would be no gain. It is an extra: what goes wrong with it is told, and no failure.
 */
export async function makeReadyDelta(context: CommandContext, published: Published): Promise<void> {
  try {
    await make(context, published)
  } catch (error) {
    const text = `no delta was made beforehand: ${messageOf(error)}`
    context.reporter.event({ type: 'note', text })
  }
}

async function make(context: CommandContext, { config, store, record, files }: Published): Promise<void> {
  if (config.target === undefined) return
  const shared = outsidePaths(config.target)
  const pointer = await readPointer(store, config.app, config.environment)
  if (pointer === undefined || pointer.release === record.release) return
  const production = await readRelease(store, config.app, pointer.release)
  if (production === undefined) return
  const base = { release: production.release, digest: production.manifest.digest }
  if ((await findReadyDelta(store, { record, baseDigest: base.digest, shared })) !== undefined) return
  const plans = new DeltaPlans(store, record, await decodeManifest(await readFile(files.manifest)))
  const plan = await plans.plan(base, shared)
  if (plan === undefined || plan.bytes > plans.bytes / 4) return
  const packed = encodings[record.archive.format]
  const encoding = packed === 'gzip' ? 'gzip' : 'zstd'
  const directory = await makePrivateDirectory(Date.now())
  try {
    const open = () => decompress(createReadStream(files.archive, { highWaterMark: 1024 * 1024 }), packed)
    const body = await new Deltas({ plans, directory, open }).body(base, plan, encoding)
    if (body.size > smallBody) return
    const { size, sha256, patchSize } = body
    const sent = plan.send.size + plan.links.length
    const made = { base, shared, encoding, size, sha256, patchSize, sent, entries: plan.entries } as const
    await keepReadyDelta(store, record, made, await buffer(body.open()))
    const text = `delta on ${base.release}: ${sent} of ${plan.entries} entries, ${Math.ceil(size / 1024)} KiB`
    context.reporter.event({ type: 'note', text })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
