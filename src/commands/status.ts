import { systemClock } from '../adapters/clock.js'
import { DeliverError, exitCodes } from '../errors.js'
import { HostLink } from '../execute/link.js'
import { inParallel } from '../execute/parallel.js'
import { limits } from '../execute/run.js'
import { healthPort } from '../execute/health/probe.js'
import { chooseHosts, type Selection } from '../plan/select.js'
import type { Host } from '../ports.js'
import type { HostStatus } from '../remote/facts.js'
import { readStatus } from '../remote/readings.js'
import { status as statusCall } from '../remote/verbs.js'
import { readHolder } from '../store/lock.js'
import { readPointer } from '../store/pointer.js'
import { missing, openFleet, openStore, openTransport } from '../wire.js'
import type { Cell } from '../report/events.js'
import type { CommandContext, CommandResult } from './context.js'

type Row =
  | { readonly host: string; readonly kind: 'read'; readonly status: HostStatus }
  | { readonly host: string; readonly kind: 'unknown'; readonly because: string }

/** `deliver status`: what runs on each host, against what the pointer says. Fails when a host can't be read. */
export async function status(context: CommandContext, options: Selection = {}): Promise<CommandResult> {
  const config = await context.config()
  const { target } = config
  if (target === undefined) throw missing('target', "target: { path: '/srv/api' }")
  const fleet = await openFleet(config, context.reporter)
  const all = await fleet.hosts(context.interrupt.signal)
  const hosts = chooseHosts(all, options)
  if (hosts.length === 0) throw new DeliverError('noHosts', `the fleet is empty: ${fleet.name}`)
  const store = config.store === undefined ? undefined : await openStore(config)
  const pointer = store === undefined ? undefined : await readPointer(store, config.app, config.environment)
  const holder = store === undefined ? undefined : await readHolder(store, config.app, config.environment)

  const transport = await openTransport(config, context.env, context.reporter)
  const port = healthPort(config.health)
  const call = statusCall({
    ...(config.service === undefined ? {} : { service: config.service }),
    ...(port === undefined ? {} : { port }),
  })
  const read = async (host: Host): Promise<Row> => {
    const link = new HostLink({ host, transport, path: target.path })
    const reading = readStatus(
      await link.call(call, { timeout: limits.look, signal: context.interrupt.signal }),
    )
    await link.close()
    if (reading.kind === 'ok') return { host: host.name, kind: 'read', status: reading.value }
    const because = reading.kind === 'refused' ? reading.text : reading.because
    return { host: host.name, kind: 'unknown', because }
  }
  let rows: readonly Row[]
  try {
    rows = await inParallel(config.ssh.concurrency, hosts, read)
  } finally {
    await transport.close()
  }

  context.reporter.event({
    type: 'table',
    columns: ['host', 'runs', 'service', 'before', 'note'],
    rows: rows.map((row) => cellsOf(row, pointer?.release)),
  })
  if (holder !== undefined)
    context.reporter.event({
      type: 'note',
      text: `locked by ${holder.owner}${holder.job === undefined ? '' : `, ${holder.job}`} since ${holder.since} (id ${holder.id})`,
    })
  const unread = rows.filter((row) => row.kind === 'unknown').map((row) => row.host)
  const intended = `${config.environment} is on ${pointer?.release ?? 'no release yet'}`
  const data = { at: systemClock.now(), pointer, lock: holder, hosts: rows }
  return unread.length === 0
    ? { code: exitCodes.done, text: intended, data }
    : { code: exitCodes.failed, text: `${intended}; could not read ${unread.join(', ')}`, data }
}

function cellsOf(row: Row, intended: string | undefined): readonly Cell[] {
  if (row.kind === 'unknown')
    return [
      { text: row.host, tone: 'strong' },
      { text: 'unknown', tone: 'bad' },
      { text: '-' },
      { text: '-' },
      { text: row.because, tone: 'bad' },
    ]
  const { current, unconfirmed, previousGood, service } = row.status
  const runs =
    current.kind === 'release' ? current.release : current.kind === 'none' ? 'nothing' : current.what
  const drift = intended !== undefined && runs !== intended
  const notes = [
    ...(unconfirmed === undefined ? [] : ['on trial: not confirmed yet']),
    ...(drift ? [`not ${intended}`] : []),
    ...(service.release !== undefined && service.release !== runs
      ? [`its process still runs ${service.release}`]
      : []),
  ]
  return [
    { text: row.host, tone: 'strong' },
    { text: runs, tone: drift ? 'bad' : 'good' },
    {
      text:
        service.state ??
        (service.active === undefined
          ? service.pid === undefined
            ? '-'
            : 'running'
          : service.active
            ? 'active'
            : 'not running'),
      ...(service.active === false ? { tone: 'bad' as const } : {}),
    },
    { text: previousGood ?? '-', tone: 'dim' },
    { text: notes.join('; '), ...(notes.length === 0 ? {} : { tone: 'bad' as const }) },
  ]
}
