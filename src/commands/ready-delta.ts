import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { ArchiveFiles } from '../build/archive-files.js'
import type { Config } from '../config/types.js'
import { messageOf } from '../errors.js'
import { DeltaPlans, Deltas, patchBody, type DeltaBody } from '../execute/deltas.js'
import { encodings } from '../execute/material.js'
import { makePrivateDirectory } from '../execute/private-directory.js'
import { decompress } from '../build/decompressor.js'
import { outsidePaths } from '../execute/run.js'
import { smallBody } from '../execute/stage-delta.js'
import type { Git, Store } from '../ports.js'
import type { Delta } from '../release/delta.js'
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
  readonly git: Git
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

/** Bytes of files that are read at once here and on hosts, to tell one by the other. */
const mostAtOnce = 16 * 1024 * 1024

async function make(context: CommandContext, published: Published): Promise<void> {
  const { config, store, record, files } = published
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
  const directory = await makePrivateDirectory(Date.now())
  try {
    const open = () => decompress(createReadStream(files.archive, { highWaterMark: 1024 * 1024 }), packed)
    const told = await tellDifferences({ directory, open }, published, production, plan)
    const whole = packed === 'gzip' ? 'gzip' : 'zstd'
    const body = told.body ?? (await new Deltas({ plans, directory, open }).body(base, plan, whole))
    if (body.size > smallBody) return
    const encoding = told.body === undefined ? whole : 'zstd-patch'
    const { size, sha256, patchSize } = body
    const sent = plan.send.size + plan.links.length
    const made = { base, shared, encoding, size, sha256, patchSize, sent, entries: plan.entries } as const
    await keepReadyDelta(store, record, made, await buffer(body.open()))
    const as = told.body === undefined ? `, not as differences: ${told.because}` : ' as differences'
    const text = `delta on ${base.release}: ${sent} of ${plan.entries} entries, ${Math.ceil(size / 1024)} KiB${as}`
    context.reporter.event({ type: 'note', text })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** What is sent, told as what differs from the files that it replaces, or why that can't be. */
async function tellDifferences(
  source: Parameters<typeof patchBody>[0],
  published: Published,
  production: ReleaseRecord,
  plan: Delta,
): Promise<{ readonly body: DeltaBody } | { readonly body?: undefined; readonly because: string }> {
  if (published.record.archive.format === 'tar.gz') return { because: 'its archive is gzip' }
  try {
    const replaced = await replacedContents(published, production, plan)
    if (typeof replaced === 'string') return { because: replaced }
    return { body: await patchBody(source, plan, replaced) }
  } catch (error) {
    return { because: messageOf(error) }
  }
}

/**
 * What hosts have in the files that the release replaces. Text: why that is of no use. Rejects when the clone hasn't got the commit.
 */
async function replacedContents(
  { git }: Published,
  production: ReleaseRecord,
  { replaced, bytes }: Delta,
): Promise<readonly Buffer[] | string> {
  if (replaced === undefined) return 'a file that it replaces is below a shared path'
  const total = replaced.reduce((sum, { size }) => sum + size, 0)
  if (total === 0) return 'it replaces nothing'
  if (Math.max(total, bytes) > mostAtOnce) return `it is more than ${mostAtOnce / 1024 / 1024} MiB`
  const paths = replaced.map(({ path }) => path)
  const contents = await git.contents(production.commit, paths, total)
  const other = contents.findIndex(
    (content, at) => createHash('sha256').update(content).digest('hex') !== replaced[at]?.sha256,
  )
  if (other < 0) return contents
  // As where attributes of git change files in archives.
  return `${JSON.stringify(paths[other]?.toString())} is another one in ${production.release} than in its commit`
}
