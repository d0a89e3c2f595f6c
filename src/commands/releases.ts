import { systemClock } from '../adapters/clock.js'
import type { Config } from '../config/types.js'
import { DeliverError, exitCodes } from '../errors.js'
import type { ReleaseRecord } from '../release/release.js'
import type { Cell } from '../report/events.js'
import { showAge, showBytes } from '../report/units.js'
import { readPointer } from '../store/pointer.js'
import { listReleases, readRelease } from '../store/releases.js'
import { openStore } from '../wire.js'
import { askHosts } from './ask-hosts.js'
import type { CommandContext, CommandResult } from './context.js'
import { readHostStatus, whyNot } from './status.js'

export interface ReleasesOptions {
  /** How many releases of the store. */
  readonly limit?: string | undefined
  /** Hosts to ask what they have. */
  readonly hosts?: string | undefined
  /** Ask all hosts. */
  readonly all?: boolean | undefined
}

/** Where a release is on hosts. Each list has names of hosts. */
interface OnHosts {
  readonly on: string[]
  readonly running: string[]
  readonly good: string[]
  readonly bad: string[]
}

interface Row {
  readonly release: string
  /** Milliseconds since 1970, by the store's clock; undefined: the store doesn't have it. */
  readonly publishedAt?: number
  /** The environment's pointer names it. */
  readonly current: boolean
  readonly record?: ReleaseRecord
  /** Undefined when no host was asked. */
  readonly hosts?: OnHosts
}

/** `deliver releases`: what the store has, newest first, and which of it is in production; with hosts, what they have too. */
export async function releases(
  context: CommandContext,
  options: ReleasesOptions = {},
): Promise<CommandResult> {
  const config = await context.config()
  const store = await openStore(config)
  const pointer = await readPointer(store, config.app, config.environment)
  const asked = options.all === true || options.hosts !== undefined
  const { found, unread } = asked ? await onHosts(context, config, options) : noHosts
  const listed = await listReleases(store, config.app)
  const stored = await Promise.all(
    listed.slice(0, countOf(options.limit)).map(async ({ release, publishedAt }): Promise<Row> => {
      const record = await readRelease(store, config.app, release)
      const current = release === pointer?.release
      const hosts = asked ? { hosts: found.get(release) ?? nowhere() } : {}
      return { release, publishedAt, current, ...(record === undefined ? {} : { record }), ...hosts }
    }),
  )
  const known = new Map(listed.map(({ release, publishedAt }) => [release, publishedAt]))
  const shown = new Set(stored.map(({ release }) => release))
  // Of hosts each is shown, however old: it is what a rollback could go to.
  const elsewhere = [...found].flatMap(([release, hosts]): Row[] => {
    if (shown.has(release)) return []
    const publishedAt = known.get(release)
    const current = release === pointer?.release
    return [{ release, ...(publishedAt === undefined ? {} : { publishedAt }), current, hosts }]
  })
  const rows = [...stored, ...elsewhere]
  context.reporter.event({
    type: 'table',
    columns: [
      'release',
      'published',
      'age',
      'size',
      'commit',
      'author',
      ...(asked ? ['hosts'] : []),
      '',
      'subject',
    ],
    rows: rows.map((row) => cellsOf(row, config.environment, asked)),
  })
  const data = { version: 1, releases: rows, unread }
  const text =
    rows.length === 0 ? `${store.name} has no release of ${config.app}` : `${stored.length} in ${store.name}`
  if (unread.length === 0) return { code: exitCodes.done, text, data }
  const names = unread.map(({ host, because }) => `${host} (${because})`).join(', ')
  return { code: exitCodes.failed, text: `${text}; could not read ${names}`, data }
}

interface Hosts {
  readonly found: ReadonlyMap<string, OnHosts>
  readonly unread: readonly { readonly host: string; readonly because: string }[]
}

const noHosts: Hosts = { found: new Map(), unread: [] }
const nowhere = (): OnHosts => ({ on: [], running: [], good: [], bad: [] })

async function onHosts(context: CommandContext, config: Config, { hosts }: ReleasesOptions): Promise<Hosts> {
  const found = new Map<string, OnHosts>()
  const unread: { host: string; because: string }[] = []
  const read = await askHosts(context, config, { hosts }, async (link) => ({
    host: link.host.name,
    reading: await readHostStatus(config, link, context.interrupt.signal),
  }))
  for (const { host, reading } of read) {
    if (reading.kind !== 'ok') {
      unread.push({ host, because: whyNot(reading) })
      continue
    }
    const { current, releases: staged } = reading.value
    for (const { release, mark } of staged) {
      const place = found.get(release) ?? nowhere()
      found.set(release, place)
      place.on.push(host)
      if (mark !== undefined) place[mark].push(host)
      if (current.kind === 'release' && current.release === release) place.running.push(host)
    }
  }
  return { found, unread }
}

function cellsOf(row: Row, environment: string, asked: boolean): readonly Cell[] {
  const { record, publishedAt } = row
  return [
    { text: row.release, tone: 'strong' },
    {
      text:
        publishedAt === undefined
          ? 'not in the store'
          : new Date(publishedAt).toISOString().replace('T', ' ').slice(0, 16),
    },
    { text: publishedAt === undefined ? '-' : showAge(systemClock.now() - publishedAt) },
    { text: record === undefined ? '-' : showBytes(record.archive.size) },
    { text: record?.source.commit.slice(0, 12) ?? '-' },
    { text: record?.source.author ?? '-' },
    ...(asked ? [hostsCell(row.hosts)] : []),
    row.current ? { text: environment, tone: 'good' } : { text: '' },
    { text: record?.source.subject ?? '-', tone: 'dim' },
  ]
}

/** "runs on web1, web2; on 3; bad on web3": few words, since the names are in the data. */
function hostsCell(hosts: OnHosts | undefined): Cell {
  if (hosts === undefined || hosts.on.length === 0) return { text: '-', tone: 'dim' }
  const { on, running, bad } = hosts
  const text = [
    ...(running.length === 0 ? [] : [`runs on ${few(running)}`]),
    ...(running.length === on.length ? [] : [`there on ${few(on)}`]),
    ...(bad.length === 0 ? [] : [`bad on ${few(bad)}`]),
  ].join('; ')
  return bad.length > 0 ? { text, tone: 'bad' } : running.length > 0 ? { text, tone: 'good' } : { text }
}

function few(hosts: readonly string[]): string {
  return hosts.length <= 3 ? hosts.join(', ') : `${hosts.length} hosts`
}

/** `--limit`. */
export function countOf(text: string | undefined): number {
  if (text === undefined) return 20
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new DeliverError('usage', `--limit: ${JSON.stringify(text)} is no number of lines`, {
    fix: 'Write e.g. 20.',
  })
}
