import { randomBytes } from 'node:crypto'
import type { Clock, Store } from '../ports.js'
import { readFields, readText, type Fields } from './json.js'
import { historyKey, historyPrefix } from './layout.js'

/** What one run of a command did, kept for ever. */
export interface HistoryEntry {
  readonly version: 1
  readonly command: string
  readonly release: string
  /** The release that the environment was on before; undefined: none. */
  readonly previous?: string
  readonly by: string
  readonly job?: string
  readonly url?: string
  /** ISO 8601, by the clock of the machine that ran it. */
  readonly started: string
  readonly ended: string
  readonly code: number
  /** The sentence that the run ended with. */
  readonly text: string
  readonly hosts: readonly HistoryHost[]
}

export interface HistoryHost {
  readonly host: string
  /** The outcome's kind. */
  readonly outcome: string
  readonly because?: string
  readonly runs?: string
}

export interface History {
  /** Newest first. */
  readonly entries: readonly HistoryEntry[]
  /** Keys of entries that this version of deliver can't read. */
  readonly unreadable: readonly string[]
}

export async function appendHistory(
  {
    store,
    clock,
    app,
    environment,
  }: {
    readonly store: Store
    readonly clock: Pick<Clock, 'now'>
    readonly app: string
    readonly environment: string
  },
  entry: HistoryEntry,
): Promise<void> {
  const key = historyKey(app, environment, clock.now(), randomBytes(6).toString('hex'))
  await store.create(key, Buffer.from(`${JSON.stringify(entry, null, 2)}\n`))
}

export interface HistoryQuery {
  readonly app: string
  readonly environment: string
  /** The newest so many of those that are asked for. */
  readonly limit: number
  /** Only runs that brought or left this release. */
  readonly release?: string
}

/** By the store's clock: machines whose clocks differ write to one history. */
export async function readHistory(
  store: Store,
  { app, environment, limit, release }: HistoryQuery,
): Promise<History> {
  const keys = [...(await store.list(historyPrefix(app, environment)))].sort(
    (a, b) => b.modifiedAt - a.modifiedAt || (a.key < b.key ? 1 : -1),
  )
  const entries: HistoryEntry[] = []
  const unreadable: string[] = []
  for (const { key } of keys) {
    if (entries.length + unreadable.length >= limit) break
    const text = await readText(store, key)
    if (text === undefined) continue
    try {
      const entry = parseEntry(key, text)
      if (release === undefined || isAbout(entry, release)) entries.push(entry)
    } catch {
      // One bad entry must not hide the others.
      unreadable.push(key)
    }
  }
  return { entries, unreadable }
}

function isAbout(entry: HistoryEntry, release: string): boolean {
  return entry.release === release || entry.previous === release
}

function parseEntry(key: string, text: string): HistoryEntry {
  const fields = readFields(key, text)
  return {
    version: 1,
    command: fields.text('command'),
    release: fields.text('release'),
    ...optional(fields, ['previous', 'job', 'url']),
    by: fields.text('by'),
    started: fields.text('started'),
    ended: fields.text('ended'),
    code: fields.count('code'),
    text: fields.text('text'),
    hosts: fields.objects('hosts').map((host) => ({
      host: host.text('host'),
      outcome: host.text('outcome'),
      ...optional(host, ['because', 'runs']),
    })),
  }
}

function optional<Name extends string>(
  fields: Fields,
  names: readonly Name[],
): { readonly [N in Name]?: string } {
  const found: { [N in Name]?: string } = {}
  for (const name of names) {
    const text = fields.optionalText(name)
    if (text !== undefined) found[name] = text
  }
  return found
}
