import type { Cell, HostState } from '../events.js'
import { isActive, isEnd, type HostModel } from '../model/host-model.js'
import type { RunModel } from '../model/run-model.js'
import type { Paint } from '../paint.js'
import { showBytes, showSeconds } from '../units.js'
import { displayWidth } from '../width.js'
import { choose } from './choose.js'
import { hostLine, logLines, stateText, transferText, type HostLineStyle } from './host-line.js'
import { compose, composeWide, type Segment } from './segments.js'
import type { Symbols } from './symbols.js'

export interface FrameOptions {
  readonly now: number
  /** Of the terminal. */
  readonly columns: number
  readonly rows: number
  readonly paint: Paint
  readonly symbols: Symbols
}

/** The most lines of one host's log below it. */
const tailLines = 4
/** Lines of what happened before that stay to be seen above the frame. */
const context = 3

/** What the terminal shows of a rollout under way: its lines, none wider than the terminal, never more than fit. */
export function frame(model: RunModel, options: FrameOptions): readonly string[] {
  const { now, columns, rows, paint, symbols } = options
  // The last column stays empty: some terminals wrap a line that fills it.
  const width = Math.max(10, columns - 1)
  const hosts = inOrder(model)
  if (hosts.length === 0) return progressLines(model, { ...options, width })
  const head = [titleLine(model, { ...options, width }), countLine(model, hosts, { ...options, width })]
  const room = Math.max(1, rows - context - head.length - 1)
  const { shown, hidden } = choose(hosts, room)
  const longest = Math.max(4, ...shown.map(({ name }) => displayWidth(name)))
  const style: HostLineStyle = {
    ...{ now, width, paint, symbols },
    names: Math.min(longest, Math.max(8, Math.floor(width * 0.35))),
    waitsFor: (host) => waitsFor(model, hosts, host),
  }
  let spare = room - shown.length - (hidden.length > 0 ? 1 : 0)
  const lines = shown.flatMap((host) => {
    const tail = host.state === 'failed' ? logLines(host, Math.min(tailLines, spare), style) : []
    spare -= tail.length
    return [hostLine(host, style), ...tail]
  })
  const more =
    hidden.length === 0
      ? []
      : [compose([{ text: `  and ${hidden.length} more: ${countsText(hidden)}`, tone: 'dim' }], width, paint)]
  return [...head, ...lines, ...more]
}

/** Of a step that is of no host: the upload of a release. */
function progressLines({ progress }: RunModel, style: Style): readonly string[] {
  if (progress === undefined) return []
  const { step, transfer } = progress
  const segments = [
    { text: `${step}  `, tone: 'strong' as const },
    ...transferText(transfer, { room: style.width - step.length, symbols: style.symbols }),
  ]
  return [compose(segments, style.width, style.paint)]
}

type Style = FrameOptions & { readonly width: number }

function titleLine(model: RunModel, { now, width, paint, symbols }: Style): string {
  const where = model.environment === '' ? [] : [`${model.app} ${symbols.arrow} ${model.environment}`]
  const what = model.plan === undefined ? model.command : `${model.plan.kind} ${model.plan.release}`
  const left: readonly Segment[] = [{ text: [...where, what].join('  '), tone: 'strong' }]
  const elapsed: Segment = { text: showSeconds(now - model.startedAt), tone: 'dim' }
  return composeWide(left, elapsed, { width, paint })
}

function countLine(model: RunModel, hosts: readonly HostModel[], { width, paint, symbols }: Style): string {
  const batch = model.batches.at(-1)
  const sent = hosts.reduce((sum, host) => sum + host.sent, 0)
  const parts: readonly Segment[] = [
    ...(batch === undefined
      ? []
      : [{ text: `batch ${batch.number} of ${Math.max(batch.of, batch.number)}` }]),
    ...counted(hosts).map(([state, count]): Segment => ({
      text: `${count} ${stateText(state)}`,
      ...(tones[state] === undefined ? {} : { tone: tones[state] }),
    })),
    ...(sent > 0 ? [{ text: `${showBytes(sent)} sent`, tone: 'dim' as const }] : []),
  ]
  const joined = parts.flatMap((part, at): readonly Segment[] =>
    at === 0 ? [part] : [{ text: symbols.separator, tone: 'dim' }, part],
  )
  return compose(joined, width, paint)
}

const tones: Readonly<Partial<Record<HostState, NonNullable<Cell['tone']>>>> = {
  done: 'good',
  failed: 'bad',
  'rolling-back': 'bad',
  'rolled-back': 'bad',
}

/** How many hosts are in each state: ends first, then what is under way. */
function counted(hosts: readonly HostModel[]): readonly (readonly [HostState, number])[] {
  const counts = new Map<HostState, number>()
  for (const { state } of hosts) counts.set(state, (counts.get(state) ?? 0) + 1)
  const rank = (state: HostState): number => (isEnd(state) ? 0 : isActive(state) ? 1 : 2)
  return [...counts].sort(([a], [b]) => rank(a) - rank(b))
}

const countsText = (hosts: readonly HostModel[]): string =>
  counted(hosts)
    .map(([state, count]) => `${count} ${stateText(state)}`)
    .join(', ')

/** By batch, then as they came. */
function inOrder(model: RunModel): readonly HostModel[] {
  const last = Number.MAX_SAFE_INTEGER
  return [...model.hosts.values()].sort((a, b) => (a.batch ?? last) - (b.batch ?? last))
}

function waitsFor(model: RunModel, hosts: readonly HostModel[], host: HostModel): string {
  const staging = hosts.filter(({ state }) => state === 'staging' || state === 'connecting').length
  if (model.batches.length === 0 && staging > 0)
    return `${staging} host${staging === 1 ? '' : 's'} to be staged`
  return host.batch === undefined ? 'its turn' : `batch ${host.batch}`
}
