import type { Cell, HostState } from '../events.js'
import { isActive, isEnd, type HostModel, type LastProbe, type Transfer } from '../model/host-model.js'
import type { Paint } from '../paint.js'
import { showBytes, showMilliseconds, showSeconds } from '../units.js'
import { compose, composeWide, padded, type Segment } from './segments.js'
import type { Symbols } from './symbols.js'

export interface HostLineStyle {
  readonly now: number
  /** Columns of the line, and of the names in it. */
  readonly width: number
  readonly names: number
  readonly paint: Paint
  readonly symbols: Symbols
  /** What a staged host waits for: `batch 3`. */
  readonly waitsFor: (host: HostModel) => string
}

const stateWidth = 12
const barWidth = 16
/** With it, and all that is beside it. */
const roomForBar = 55

const tones: Readonly<Partial<Record<HostState, NonNullable<Cell['tone']>>>> = {
  done: 'good',
  failed: 'bad',
  'rolling-back': 'bad',
  'rolled-back': 'bad',
  skipped: 'dim',
  gone: 'dim',
  staged: 'dim',
  probing: 'dim',
}

/** One host in one line: mark, batch, name, state, what it does or waits for, and for how long. */
export function hostLine(host: HostModel, style: HostLineStyle): string {
  const { width, names, paint, symbols } = style
  const tone = tones[host.state]
  const colour = tone === undefined ? {} : { tone }
  const batch = host.batch === undefined ? '   ' : `${String(host.batch).padStart(2)} `
  const segments: readonly Segment[] = [
    { text: `${symbols.of(host.state)} `, ...colour },
    ...(width < 50 ? [] : [{ text: batch, tone: 'dim' as const }]),
    { text: `${padded(host.name, names)}  `, tone: 'strong' },
    { text: `${padded(stateText(host.state), stateWidth)}  `, ...colour },
    ...whatItDoes(host, style),
  ]
  if (width < 60) return compose(segments, width, paint)
  return composeWide(segments, { text: elapsedText(host, style.now), tone: 'dim' }, { width, paint })
}

/** The last lines of a failed host's log, below it. */
export function logLines(
  host: HostModel,
  count: number,
  { width, paint, symbols }: HostLineStyle,
): readonly string[] {
  const lines = count <= 0 ? [] : host.log.slice(-count)
  return lines.map((line) => compose([{ text: `     ${symbols.tail} ${line}`, tone: 'dim' }], width, paint))
}

/** Words for a state, of at most `stateWidth` columns. */
export const stateText = (state: HostState): string =>
  state === 'probing' ? 'ready' : state.replace('-', ' ')

function elapsedText(host: HostModel, now: number): string {
  if (isEnd(host.state)) return host.state === 'skipped' ? '' : showSeconds(host.since - host.startedAt)
  return showSeconds(now - host.since)
}

function whatItDoes(host: HostModel, style: HostLineStyle): readonly Segment[] {
  switch (host.state) {
    case 'probing':
      return [{ text: 'was read; nothing has been changed', tone: 'dim' }]
    case 'staging':
      return host.transfer === undefined
        ? [{ text: host.detail ?? '' }]
        : transferText(host.transfer, { room: roomOf(style), symbols: style.symbols })
    case 'staged':
      return [{ text: `waits for ${style.waitsFor(host)}`, tone: 'dim' }]
    case 'settling':
      return [{ text: host.lastProbe === undefined ? (host.detail ?? 'asking') : probeText(host.lastProbe) }]
    case 'watching':
      return [{ text: `${showSeconds(style.now - host.since)} of ${host.detail ?? '?'}` }]
    case 'draining':
    case 'rejoining':
      return [{ text: `waits for ${host.detail ?? 'the load balancer'}` }]
    case 'connecting':
    case 'activating':
    case 'done':
    case 'failed':
    case 'rolling-back':
    case 'rolled-back':
    case 'skipped':
    case 'gone':
      return [{ text: host.detail ?? '', ...(isActive(host.state) ? {} : { tone: 'dim' as const }) }]
  }
}

/** Columns for what a host does. */
const roomOf = ({ width, names }: HostLineStyle): number => width - names - stateWidth - 9

/** How far a transfer is: a bar where there is room, share, bytes and speed. */
export function transferText(
  { total, done, rate }: Transfer,
  { room, symbols }: { readonly room: number; readonly symbols: Symbols },
): readonly Segment[] {
  if (done >= total) return [{ text: `${showBytes(total)} sent; unpacking and verifying` }]
  const share = total > 0 ? done / total : 0
  const full = Math.round(share * barWidth)
  const bar: readonly Segment[] =
    room < roomForBar
      ? []
      : [
          { text: symbols.full.repeat(full), tone: 'good' },
          { text: `${symbols.empty.repeat(barWidth - full)} `, tone: 'dim' },
        ]
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`
  const speed = rate === undefined ? '' : `  ${showBytes(rate)}/s`
  return [...bar, { text: `${percent}  ${showBytes(done)} of ${showBytes(total)}${speed}` }]
}

function probeText({ ok, because, streak, successes, uptime, minUptime }: LastProbe): string {
  if (!ok) return `not yet: ${because ?? 'no answer'}`
  const span = minUptime > 0 ? `, ${showMilliseconds(uptime)} of ${showMilliseconds(minUptime)}` : ''
  return `${streak} of ${successes} good answers${span}`
}
