import { systemClock } from '../adapters/clock.js'
import type { Config, ServiceConfig } from '../config/types.js'
import { parseDuration } from '../config/values.js'
import { adviceOf, DeliverError, exitCodes } from '../errors.js'
import type { HostLink } from '../execute/link.js'
import { limits } from '../execute/run.js'
import { followLog } from '../logs/follow.js'
import { mergeByTime, youngerThan, type HostEntry } from '../logs/merge.js'
import { Place, remembered } from '../logs/overlap.js'
import { entryOf, readLog } from '../logs/read-log.js'
import type { Selection } from '../plan/select.js'
import { logSources, type LogReading, type LogSource } from '../remote/follow.js'
import { readLogFiles } from '../remote/readings.js'
import { logs as logsCall } from '../remote/look-verbs.js'
import { missing } from '../wire.js'
import { withHosts } from './ask-hosts.js'
import type { CommandContext, CommandResult } from './context.js'
import { whyNot } from './status.js'

export interface LogsOptions extends Selection {
  readonly follow?: boolean | undefined
  /** Of each host's log, as text. Default: 20, or with `since` or `grep` all that there is, up to 10000. */
  readonly lines?: string | undefined
  /** An age such as 10m, or a point in time (ISO 8601). */
  readonly since?: string | undefined
  /** A regular expression; only lines that match are shown. */
  readonly grep?: string | undefined
}

const mostLines = 10_000
const readTimeout = 60_000

interface Wanted {
  readonly follow: boolean
  readonly lines: number
  readonly since: LogReading['since']
  readonly matches: (text: string) => boolean
}

interface Read {
  readonly link: HostLink
  readonly problem?: string
  readonly logs: readonly {
    readonly source: LogSource
    readonly place: Place
    readonly entries: readonly HostEntry[]
  }[]
}

/** `deliver logs`: what the service wrote on all hosts, merged by time. Fails when a host's log can't be read. */
export async function logs(context: CommandContext, options: LogsOptions = {}): Promise<CommandResult> {
  const config = await context.config()
  const { service } = config
  if (service === undefined) throw missing('service', "service: { systemd: 'api' }")
  const wanted = wantedOf(options)
  return withHosts(context, config, options, async (links, parallel) => {
    const read = await parallel(links, (link) => readHost(context, { config, service, link }, wanted))
    const told = (entry: HostEntry): void => {
      if (wanted.matches(entry.text))
        context.reporter.event({ type: 'host-lines', host: entry.host, lines: [entry.text] })
    }
    mergeByTime(read.flatMap((each) => each.logs.map(({ entries }) => entries))).forEach(told)
    for (const { link, problem } of read)
      if (problem !== undefined)
        context.reporter.event({ type: 'warning', host: link.host.name, text: problem })
    const unread = read.filter(({ problem }) => problem !== undefined).map(({ link }) => link.host.name)
    const stopped = options.follow === true ? await followAll(context, read, told) : []
    const { reason } = context.interrupt
    if (reason !== undefined) return { code: exitCodes[reason], text: '' }
    const failed = [...new Set([...unread, ...stopped])]
    if (failed.length > 0) return { code: exitCodes.failed, text: `could not read ${failed.join(', ')}` }
    return { code: exitCodes.done, text: '' }
  })
}

async function readHost(
  context: CommandContext,
  at: { readonly config: Config; readonly service: ServiceConfig; readonly link: HostLink },
  wanted: Wanted,
): Promise<Read> {
  const { link, service } = at
  const { signal } = context.interrupt
  const call = logsCall({ service, lines: 1 })
  const files = readLogFiles(await link.call(call, { timeout: limits.look, signal }))
  if (files.kind !== 'ok') return { link, logs: [], problem: whyNot(files) }
  const sources = logSources(service, files.value)
  if (sources.length === 0)
    return { link, logs: [], problem: 'this service has no log that deliver knows. Name it: service.log' }
  const logs: Read['logs'][number][] = []
  let problem: string | undefined
  for (const source of sources) {
    const place = new Place()
    const entries: HostEntry[] = []
    const onLine = (line: string): void => {
      if (source.kind === 'journal' && line.startsWith('-- ')) return
      place.passed(line)
      entries.push({ ...entryOf(source, line), host: link.host.name })
    }
    // A follower finds its place by the lines before it, whether or not they are to be seen.
    const narrowed = wanted.follow ? {} : given(wanted.since)
    const reading = { source, lines: Math.max(wanted.lines, remembered), follow: false, ...narrowed }
    try {
      const ended = await readLog(link, reading, { timeout: readTimeout, signal, onLine })
      if (ended.kind === 'lost') problem = ended.because
      else if (ended.kind === 'exit' && ended.code !== 0)
        problem = `the log can't be read (exit code ${ended.code})`
    } catch (error) {
      problem = adviceOf(error)
    }
    logs.push({ source, place, entries: younger(lastOf(entries, wanted.lines), wanted.since) })
  }
  return { link, logs, ...(problem === undefined ? {} : { problem }) }
}

const lastOf = (entries: readonly HostEntry[], count: number): readonly HostEntry[] =>
  entries.slice(Math.max(0, entries.length - count))

const given = (since: LogReading['since']) => (since === undefined ? {} : { since })

function younger(entries: readonly HostEntry[], since: Wanted['since']): readonly HostEntry[] {
  if (since === undefined) return entries
  return youngerThan(entries, since.kind === 'age' ? systemClock.now() - since.ms : since.ms)
}

/** Until somebody ends it. Gives the hosts whose logs could not be followed any further. */
async function followAll(
  context: CommandContext,
  read: readonly Read[],
  told: (entry: HostEntry) => void,
): Promise<readonly string[]> {
  const ends = await Promise.all(
    read.flatMap(({ link, logs }) =>
      logs.map(async ({ source, place }) => {
        const because = await followLog({
          link,
          source,
          place,
          clock: systemClock,
          reporter: context.reporter,
          signal: context.interrupt.signal,
          onLine: (line) => {
            if (source.kind === 'journal' && line.startsWith('-- ')) return
            told({ ...entryOf(source, line), host: link.host.name })
          },
        })
        if (because === undefined) return []
        context.reporter.event({ type: 'warning', host: link.host.name, text: `gave up: ${because}` })
        return [link.host.name]
      }),
    ),
  )
  return ends.flat()
}

function wantedOf({ follow, lines, since, grep }: LogsOptions): Wanted {
  if (lines !== undefined && (!/^\d{1,5}$/.test(lines) || Number(lines) > mostLines))
    throw new DeliverError('usage', `-n: ${JSON.stringify(lines)} is no number of lines`, {
      fix: `Write a number up to ${mostLines}.`,
    })
  const all = since !== undefined || grep !== undefined
  return {
    follow: follow === true,
    lines: lines === undefined ? (all ? mostLines : 20) : Number(lines),
    since: since === undefined ? undefined : sinceOf(since),
    matches: grep === undefined ? () => true : matcher(grep),
  }
}

function sinceOf(text: string): NonNullable<Wanted['since']> {
  const age = parseDuration(text)
  if (age.ok) return { kind: 'age', ms: age.value }
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return { kind: 'time', ms: time }
  throw new DeliverError('usage', `--since: ${JSON.stringify(text)} is no age and no point in time`, {
    fix: 'Write e.g. 10m, 2h or 2024-05-01T10:00:00Z.',
  })
}

function matcher(grep: string): (text: string) => boolean {
  try {
    const pattern = new RegExp(grep)
    return (text) => pattern.test(text)
  } catch (cause) {
    throw new DeliverError('usage', `--grep: ${JSON.stringify(grep)} is no regular expression`, {
      cause,
      fix: 'Put a backslash before characters such as ( or [ that are meant as they are.',
    })
  }
}
