import { systemClock } from '../adapters/clock.js'
import type { Config } from '../config/types.js'
import { exitCodes } from '../errors.js'
import type { HostLink } from '../execute/link.js'
import { limits } from '../execute/run.js'
import { healthPort } from '../execute/health/probe.js'
import { serviceNow } from '../execute/service-now.js'
import { intendedRelease, troubles, type Found } from '../plan/drift.js'
import { namesOf } from '../plan/outcome.js'
import type { Selection } from '../plan/select.js'
import type { HostStatus } from '../remote/facts.js'
import { withLastWords } from '../remote/last-words.js'
import { readStatus, type Reading } from '../remote/readings.js'
import { status as statusCall } from '../remote/look-verbs.js'
import type { Cell } from '../report/events.js'
import { showAge } from '../report/units.js'
import { describeHolder } from '../store/lock-document.js'
import { readHolder } from '../store/lock.js'
import { readPointer } from '../store/pointer.js'
import { openStore } from '../wire.js'
import { askHosts } from './ask-hosts.js'
import type { CommandContext, CommandResult } from './context.js'
import { withHealthSecrets } from './secrets.js'
import { nowCell } from './show-preview.js'

export interface StatusOptions extends Selection {
  /** Ends with 4 when a host is not as it ought to be, for scripts. */
  readonly exitCode?: boolean | undefined
}

type Row =
  | {
      readonly host: string
      readonly kind: 'read'
      readonly status: HostStatus
      readonly found: Found
      readonly troubles: readonly string[]
    }
  | { readonly host: string; readonly kind: 'unknown'; readonly because: string }

/** `deliver status`: what runs on each host, against what the pointer says. Fails when a host can't be read. */
export async function status(context: CommandContext, options: StatusOptions = {}): Promise<CommandResult> {
  const config = await withHealthSecrets(context, await context.config())
  const store = config.store === undefined ? undefined : await openStore(config)
  const pointer = store === undefined ? undefined : await readPointer(store, config.app, config.environment)
  const holder = store === undefined ? undefined : await readHolder(store, config.app, config.environment)
  const read = await askHosts(context, config, options, (link) => look(context, config, link))
  const currents = read.flatMap(({ found }) => (found === undefined ? [] : [found.current]))
  const intended = intendedRelease(pointer?.release, currents)
  const rows = read.map(({ host, reading, found }): Row => {
    if (reading.kind === 'ok' && found !== undefined)
      return { host, kind: 'read', status: reading.value, found, troubles: troubles(found, intended) }
    return { host, kind: 'unknown', because: whyNot(reading) }
  })

  context.reporter.event({
    type: 'table',
    columns: ['host', 'runs', 'health', 'service', 'up', 'before', 'note'],
    rows: rows.map((row) => cellsOf(row, intended)),
  })
  if (holder !== undefined)
    context.reporter.event({ type: 'note', text: `locked by ${describeHolder(holder)} (id ${holder.id})` })

  const data = { version: 1, at: systemClock.now(), intended, pointer, lock: holder, hosts: rows }
  const on = `${config.environment} is on ${pointer?.release ?? 'no release yet'}`
  const unread = hostsOf(rows.filter((row) => row.kind === 'unknown'))
  if (unread !== '') return { code: exitCodes.failed, text: `${on}; could not read ${unread}`, data }
  const wrong = hostsOf(rows.filter((row) => row.kind === 'read' && row.troubles.length > 0))
  if (wrong === '') return { code: exitCodes.done, text: on, data }
  const code = options.exitCode === true ? exitCodes.partial : exitCodes.done
  return { code, text: `${on}; look at ${wrong}`, data }
}

async function look(
  context: CommandContext,
  config: Config,
  link: HostLink,
): Promise<{ readonly host: string; readonly reading: Reading<HostStatus>; readonly found?: Found }> {
  const { signal } = context.interrupt
  const reading = await readHostStatus(config, link, signal)
  const host = link.host.name
  if (reading.kind !== 'ok') return { host, reading }
  const { current, unconfirmed, service } = reading.value
  const runs = current.kind === 'release' ? current.release : null
  const now = await serviceNow(link, config, { facts: service, runs }, signal)
  const foreign = current.kind === 'foreign' ? { foreign: current.what } : {}
  return { host, reading, found: { current: runs, ...foreign, unconfirmed: unconfirmed !== undefined, now } }
}

/** The one call that tells all of a host's state. */
export async function readHostStatus(
  config: Config,
  link: HostLink,
  signal: AbortSignal,
): Promise<Reading<HostStatus>> {
  const port = healthPort(config.health)
  const call = statusCall({
    ...(config.service === undefined ? {} : { service: config.service }),
    ...(port === undefined ? {} : { port }),
  })
  return readStatus(await link.call(call, { timeout: limits.look, signal }))
}

/** Why a reading has no value. */
export function whyNot(reading: Reading<unknown>): string {
  if (reading.kind === 'ok') return ''
  return reading.kind === 'refused' ? reading.text : withLastWords(reading)
}

function hostsOf(rows: readonly Row[]): string {
  return namesOf(rows.map((row) => row.host))
}

function cellsOf(row: Row, intended: string | undefined): readonly Cell[] {
  if (row.kind === 'unknown')
    return [
      { text: row.host, tone: 'strong' },
      { text: 'unknown', tone: 'bad' },
      ...['-', '-', '-', '-'].map((text) => ({ text })),
      { text: row.because, tone: 'bad' },
    ]
  const { found, status } = row
  const { service } = status
  const runs = found.current ?? found.foreign ?? 'nothing'
  return [
    { text: row.host, tone: 'strong' },
    { text: runs, tone: intended !== undefined && runs !== intended ? 'bad' : 'good' },
    found.now.health === 'unhealthy' ? { text: 'unhealthy', tone: 'bad' } : nowCell(found.now),
    { text: serviceText(service), ...(service.active === false ? { tone: 'bad' as const } : {}) },
    { text: service.uptime === undefined ? '-' : showAge(service.uptime * 1000) },
    { text: status.previousGood ?? '-', tone: 'dim' },
    { text: row.troubles.join('; '), ...(row.troubles.length === 0 ? {} : { tone: 'bad' as const }) },
  ]
}

function serviceText({ state, active, pid }: HostStatus['service']): string {
  if (state !== undefined) return state
  if (active !== undefined) return active ? 'active' : 'not running'
  return pid === undefined ? '-' : 'running'
}
