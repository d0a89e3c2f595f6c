import type { HostState } from '../events.js'
import type { HostModel } from '../model/host-model.js'
import type { RunModel } from '../model/run-model.js'
import { showSeconds, showMilliseconds } from '../units.js'
import { fit } from '../width.js'
import { html, trusted, type Html } from './markup.js'

/** How a state is drawn. `line`: thin, since nothing is done in it. */
interface Look {
  readonly name: string
  readonly label: string
  readonly line?: true
}

const looks: Readonly<Record<HostState, Look>> = {
  connecting: { name: 'look', label: 'connect and look' },
  probing: { name: 'wait', label: 'waits', line: true },
  staging: { name: 'stage', label: 'stage' },
  staged: { name: 'wait', label: 'waits', line: true },
  draining: { name: 'drain', label: 'out of and into traffic' },
  rejoining: { name: 'drain', label: 'out of and into traffic' },
  activating: { name: 'switch', label: 'switch and restart' },
  settling: { name: 'settle', label: 'settle' },
  watching: { name: 'settle', label: 'settle' },
  done: { name: 'good', label: 'on the release', line: true },
  failed: { name: 'bad', label: 'failed', line: true },
  'rolling-back': { name: 'back', label: 'roll back' },
  'rolled-back': { name: 'back', label: 'rolled back', line: true },
  skipped: { name: 'off', label: 'left as it was', line: true },
  gone: { name: 'off', label: 'left as it was', line: true },
}

const width = 1100
const left = 150
const right = 24
const top = 26

interface Row {
  readonly y: number
  readonly height: number
}

/** The timeline of a run: its steps, then its hosts, batch by batch. */
export function gantt(model: RunModel): Html {
  const from = model.startedAt
  const span = Math.max(1, (model.endedAt ?? from) - from)
  const x = (at: number): number => round(left + ((at - from) / span) * (width - left - right))
  const groups = groupsOf(model)
  const count = model.hosts.size
  const rowHeight = count <= 24 ? 24 : count <= 80 ? 17 : 12
  let y = top
  const parts: Html[] = []
  for (const { title, band, rows } of groups) {
    const height = rows.length * rowHeight + 22
    if (band)
      parts.push(
        html`<rect class="band" fill="#f0f2f5" x="0" y="${y}" width="${width}" height="${height}" />`,
      )
    parts.push(html`<text class="part" x="8" y="${y + 15}">${title}</text>`)
    for (const [at, draw] of rows.entries())
      parts.push(draw({ y: y + 20 + at * rowHeight, height: rowHeight }, x))
    y += height
  }
  const height = y + 6
  return html`<svg class="gantt" viewBox="0 0 ${width} ${height}" role="img" aria-label="Timeline of the run">
      ${axis(span, x, { from, height })}${parts}</svg
    >${legend(model)}`
}

type Draw = (row: Row, x: (at: number) => number) => Html

function groupsOf(model: RunModel): readonly {
  readonly title: string
  readonly band: boolean
  readonly rows: readonly Draw[]
}[] {
  const end = model.endedAt ?? model.startedAt
  const steps = model.steps.map(
    ({ name, from, to }): Draw =>
      (row, x) =>
        html`${label(name, row)}${bar({ from, to: to ?? end, name: to === undefined ? 'bad' : 'step', title: name }, row, x)}`,
  )
  const byBatch = new Map<number, HostModel[]>()
  for (const host of model.hosts.values())
    byBatch.set(host.batch ?? 0, [...(byBatch.get(host.batch ?? 0) ?? []), host])
  const batches = [...byBatch].sort(([a], [b]) => (a || Infinity) - (b || Infinity))
  return [
    ...(steps.length === 0 ? [] : [{ title: 'steps', band: false, rows: steps }]),
    ...batches.map(([number, hosts], at) => ({
      title: number === 0 ? 'in no batch' : `batch ${number}`,
      band: at % 2 === 0,
      rows: hosts.map((host) => hostRow(host, end)),
    })),
  ]
}

function hostRow(host: HostModel, end: number): Draw {
  return (row, x) => {
    const spans = host.spans.map(({ state, from, to = end }) => {
      const { name, label: what, line } = looks[state]
      const title = `${host.name}: ${what}, ${showMilliseconds(to - from)}`
      return bar({ from, to, name, title, ...(line === undefined ? {} : { line }) }, row, x)
    })
    const middle = round(row.y + row.height / 2)
    const probes = host.probes.map(
      ({ at, ok, because }) =>
        html`<circle
          class="probe s-${ok ? 'good' : 'bad'}"
          fill="${ok ? '#1a7f4b' : '#c62f3b'}"
          cx="${x(at)}"
          cy="${middle}"
          r="${row.height > 14 ? 3 : 2}"
          ><title>${host.name}: ${ok ? 'healthy' : `not healthy: ${because ?? ''}`}</title></circle
        >`,
    )
    return html`${label(host.name, row)}${spans}${probes}`
  }
}

const label = (text: string, { y, height }: Row): Html =>
  html`<text x="8" y="${round(y + height / 2 + 4)}"><title>${text}</title>${fit(text, 20)}</text>`

interface Bar {
  readonly from: number
  readonly to: number
  readonly name: string
  readonly title: string
  readonly line?: true
}

/** For viewers that show no style sheet, as Jenkins' artifacts. */
const fallback: Readonly<Record<string, string>> = {
  look: '#a9b3bf',
  stage: '#4a7fd6',
  wait: '#c9d1db',
  drain: '#8c6fcf',
  switch: '#e0a020',
  settle: '#39a88f',
  back: '#d9703a',
  good: '#1a7f4b',
  bad: '#c62f3b',
  off: '#a9b3bf',
  step: '#5f6b7a',
}

function bar({ from, to, name, title, line }: Bar, { y, height }: Row, x: (at: number) => number): Html {
  const thick = line === true ? 3 : Math.round(height * 0.62)
  const wide = Math.max(line === true ? 0 : 2, round(x(to) - x(from)))
  return html`<rect
    class="s-${name}"
    fill="${fallback[name] ?? '#888'}"
    x="${x(from)}"
    y="${round(y + (height - thick) / 2)}"
    width="${wide}"
    height="${thick}"
    rx="${line === true ? 1 : 2}"
    ><title>${title}</title></rect
  >`
}

function axis(
  span: number,
  x: (at: number) => number,
  { from, height }: { readonly from: number; readonly height: number },
): Html {
  const step = stepOf(span)
  const ticks = Array.from({ length: Math.floor(span / step) + 1 }, (_, at) => at * step)
  return html`${ticks.map((at) => {
    const place = x(from + at)
    const text = step < 1000 ? `${at / 1000}s` : showSeconds(at)
    return html`<line
        class="grid"
        stroke="#dfe3e8"
        x1="${place}"
        x2="${place}"
        y1="${top - 6}"
        y2="${height}"
      /><text class="dim" text-anchor="middle" x="${place}" y="14">${text}</text>`
  })}`
}

const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600]

/** Ms between two lines of the grid: at most ten of them. */
function stepOf(span: number): number {
  return (steps.find((each) => span / (each * 1000) <= 10) ?? 86_400) * 1000
}

/** Only what the picture has. */
function legend(model: RunModel): Html {
  const used = new Map<string, string>()
  for (const { spans } of model.hosts.values())
    for (const { state } of spans) used.set(looks[state].name, looks[state].label)
  const probed = [...model.hosts.values()].some(({ probes }) => probes.length > 0)
  const items = [...used].map(
    ([name, text]) =>
      html`<span
        ><svg width="11" height="11">
          <rect class="s-${name}" fill="${fallback[name] ?? '#888'}" width="11" height="11" rx="2" /></svg
        >${text}</span
      >`,
  )
  const dots = trusted(
    '<span><svg width="26" height="11"><circle class="s-good" fill="#1a7f4b" cx="5" cy="6" r="4"/><circle class="s-bad" fill="#c62f3b" cx="18" cy="6" r="4"/></svg>health probes</span>',
  )
  return html`<p class="legend">${items}${probed ? dots : undefined}</p>`
}

const round = (value: number): number => Math.round(value * 10) / 10
