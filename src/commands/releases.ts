import { DeliverError, exitCodes } from '../errors.js'
import { readPointer } from '../store/pointer.js'
import { listReleases, readRelease } from '../store/releases.js'
import { openStore } from '../wire.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver releases`: what the store has, newest first, and which of it is in production. */
export async function releases(
  context: CommandContext,
  options: { readonly limit?: string | undefined } = {},
): Promise<CommandResult> {
  const config = await context.config()
  const store = await openStore(config)
  const pointer = await readPointer(store, config.app, config.environment)
  const listed = (await listReleases(store, config.app)).slice(0, countOf(options.limit))
  const rows = await Promise.all(
    listed.map(async ({ release, publishedAt }) => ({
      release,
      publishedAt,
      current: release === pointer?.release,
      record: await readRelease(store, config.app, release),
    })),
  )
  context.reporter.event({
    type: 'table',
    columns: ['release', 'published', 'size', 'commit', 'author', 'subject', ''],
    rows: rows.map(({ release, publishedAt, current, record }) => [
      { text: release, tone: 'strong' },
      { text: new Date(publishedAt).toISOString().replace('T', ' ').slice(0, 16) },
      { text: record === undefined ? '-' : `${(record.archive.size / 1e6).toFixed(1)} MB` },
      { text: record?.source.commit.slice(0, 12) ?? '-' },
      { text: record?.source.author ?? '-' },
      { text: record?.source.subject ?? '-', tone: 'dim' },
      current ? { text: config.environment, tone: 'good' } : { text: '' },
    ]),
  })
  const text =
    rows.length === 0 ? `${store.name} has no release of ${config.app}` : `${rows.length} in ${store.name}`
  return { code: exitCodes.done, text, data: rows }
}

/** `--limit`. */
export function countOf(text: string | undefined): number {
  if (text === undefined) return 20
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new DeliverError('usage', `--limit: ${JSON.stringify(text)} is no number of lines`, {
    fix: 'Write e.g. 20.',
  })
}
