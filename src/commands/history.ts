import type { Config } from '../config/types.js'
import { exitCodes } from '../errors.js'
import { limits } from '../execute/run.js'
import { readJournal } from '../remote/readings.js'
import { journal } from '../remote/look-verbs.js'
import { readHistory, type HistoryEntry } from '../store/history.js'
import { openStore } from '../wire.js'
import { askHosts } from './ask-hosts.js'
import type { CommandContext, CommandResult } from './context.js'
import { countOf } from './releases.js'
import { whyNot } from './status.js'

export interface HistoryOptions {
  /** How many entries; of each host with `host`. */
  readonly limit?: string | undefined
  /** Only what this release was part of. */
  readonly release?: string | undefined
  /** Hosts to read their own journals, instead of the store's history. */
  readonly host?: string | undefined
}

/** `deliver history`: who deployed what, and how it ended, newest first. */
export async function history(context: CommandContext, options: HistoryOptions = {}): Promise<CommandResult> {
  const config = await context.config()
  if (options.host !== undefined) return hostHistory(context, config, options, options.host)
  const store = await openStore(config)
  const { app, environment } = config
  const { release } = options
  const { entries, unreadable } = await readHistory(store, {
    app,
    environment,
    limit: countOf(options.limit),
    ...(release === undefined ? {} : { release }),
  })
  context.reporter.event({
    type: 'table',
    columns: ['when', 'command', 'release', 'before', 'code', 'hosts', 'by', 'result'],
    rows: entries.map((entry) => [
      { text: shortTime(entry.ended), tone: 'dim' },
      { text: entry.command },
      { text: entry.release, tone: 'strong' },
      { text: entry.previous ?? '-', tone: 'dim' },
      { text: String(entry.code), tone: entry.code === exitCodes.done ? 'good' : 'bad' },
      { text: outcomesText(entry.hosts) },
      { text: entry.job === undefined ? entry.by : `${entry.by}, ${entry.job}` },
      { text: entry.text, tone: 'dim' },
    ]),
  })
  for (const key of unreadable)
    context.reporter.event({ type: 'warning', text: `${key} can't be read by this version of deliver` })
  const what = release === undefined ? 'nothing' : `no ${release}`
  const text = entries.length === 0 ? `${what} was deployed to ${environment} yet` : `${entries.length} runs`
  return { code: exitCodes.done, text, data: entries }
}

/** "3 done, 1 failed" */
function outcomesText(hosts: HistoryEntry['hosts']): string {
  const counts = new Map<string, number>()
  for (const { outcome } of hosts) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ') || '-'
}

/** What hosts wrote down themselves of each change: it is there when the store is not. */
async function hostHistory(
  context: CommandContext,
  config: Config,
  { limit, release }: HistoryOptions,
  hosts: string,
): Promise<CommandResult> {
  const most = countOf(limit)
  const call = journal(release === undefined ? most : mostJournal)
  const read = await askHosts(context, config, { hosts }, async (link) => {
    const answer = await link.call(call, { timeout: limits.look, signal: context.interrupt.signal })
    return { host: link.host.name, reading: readJournal(answer) }
  })
  const rows = read.flatMap(({ host, reading }) => {
    if (reading.kind !== 'ok') return []
    const lines = reading.value.filter((line) => release === undefined || line.release === release)
    return lines
      .slice(-most)
      .reverse()
      .map((line) => ({ host, ...line }))
  })
  context.reporter.event({
    type: 'table',
    columns: ['host', 'when', 'deploy', 'step', 'release', 'result'],
    rows: rows.map(({ host, time, fence, verb, release: of, result }) => [
      { text: host, tone: 'strong' },
      { text: shortTime(new Date(time).toISOString()), tone: 'dim' },
      { text: String(fence) },
      { text: verb },
      { text: of ?? '-' },
      { text: result, tone: result.startsWith('0 ') ? 'dim' : 'bad' },
    ]),
  })
  const unread = read.flatMap(({ host, reading }) =>
    reading.kind === 'ok' ? [] : [`${host} (${whyNot(reading)})`],
  )
  const data = rows
  if (unread.length > 0) return { code: exitCodes.failed, text: `could not read ${unread.join(', ')}`, data }
  return { code: exitCodes.done, text: `${rows.length} steps`, data }
}

/** Lines that are looked through for one release. */
const mostJournal = 2000

function shortTime(iso: string): string {
  return iso.replace('T', ' ').slice(0, 16)
}
