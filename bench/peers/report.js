import { cpus, loadavg, release as kernel, totalmem } from 'node:os'
import { median } from '../report.js'

/** All that a run found out: medians of each step and peer, and deliver's ratios to the peers against their targets. */
export function summarise({ samples, peers, versions, release, options }) {
  const steps = new Map()
  for (const { step, peer, seconds, bytes } of samples) {
    const of = steps.get(step) ?? new Map()
    of.set(peer, [...(of.get(peer) ?? []), { seconds, bytes }])
    steps.set(step, of)
  }
  const medians = Object.fromEntries(
    [...steps].map(([step, of]) => [step, Object.fromEntries([...of].map(medianOf))]),
  )
  return {
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model ?? 'unknown',
      memory: totalmem(),
      kernel: kernel(),
      load: loadavg()[0],
    },
    versions: { node: process.version, ...versions },
    options,
    release,
    peers: peers.map(({ name, label }) => ({ name, label })),
    medians,
    ratios: ratiosOf(medians, release),
  }
}

function medianOf([peer, taken]) {
  const of = (key) => taken.map((each) => each[key])
  const seconds = of('seconds')
  return [
    peer,
    {
      seconds: median(seconds),
      least: Math.min(...seconds),
      most: Math.max(...seconds),
      bytes: median(of('bytes')),
      runs: taken.length,
    },
  ]
}

/** `value` is deliver's figure over the other's, `most` what it may be. */
function ratiosOf(medians, { compressed }) {
  const of = (step, peer, key = 'seconds') => medians[step]?.[peer]?.[key]
  const least = (step, ...peers) => Math.min(...peers.map((peer) => of(step, peer) ?? Infinity))
  const rows = [
    [
      'incremental: time, the faster of rsync and Capistrano',
      of('incremental', 'deliver'),
      least('incremental', 'rsync', 'capistrano'),
      0.1,
    ],
    [
      'incremental: time, rsync where times are kept',
      of('incremental', 'deliver'),
      of('incremental', 'rsync-kept'),
      0.1,
    ],
    ['incremental: time, git in place', of('incremental', 'deliver'), of('incremental', 'git'), 1],
    [
      'incremental: bytes, rsync',
      of('incremental', 'deliver', 'bytes'),
      of('incremental', 'rsync', 'bytes'),
      1 / 8,
    ],
    [
      'incremental: bytes, rsync where times are kept',
      of('incremental', 'deliver', 'bytes'),
      of('incremental', 'rsync-kept', 'bytes'),
      1 / 8,
    ],
    ['incremental: bytes, changed files as zstd', of('incremental', 'deliver', 'bytes'), compressed, 1.15],
    [
      'first: time, the fastest',
      of('first', 'deliver'),
      least('first', 'rsync', 'rsync-kept', 'capistrano', 'git'),
      0.5,
    ],
    ['again: time, rsync', of('again', 'deliver'), least('again', 'rsync', 'rsync-kept'), 1],
    ['raw push: time, ssh cat', of('raw push', 'deliver'), of('raw push', 'ssh'), 1.15],
    ['status: time, one ssh true', of('status', 'deliver'), of('status', 'ssh'), 6],
  ]
  return rows
    .filter(([, ours, theirs]) => ours !== undefined && theirs !== undefined && Number.isFinite(theirs))
    .map(([what, ours, theirs, most]) => ({ what, ours, theirs, value: ours / theirs, most }))
}

export function tableOf({ machine, versions, release, options, peers, medians, ratios }) {
  const names = new Map(peers.map(({ name, label }) => [name, label]))
  const figures = Object.entries(medians).flatMap(([step, of]) =>
    Object.entries(of).map(([peer, { seconds, least, most, bytes }]) => [
      step,
      names.get(peer) ?? peer,
      ...[seconds, least, most].map((each) => each.toFixed(2)),
      (bytes / 1024).toFixed(0),
    ]),
  )
  const judged = ratios.map(({ what, value, most }) => [
    what,
    value.toFixed(3),
    most.toFixed(3),
    value <= most ? 'met' : 'missed',
  ])
  return [
    `${machine.cores} x ${machine.cpu}, ${(machine.memory / 2 ** 30).toFixed(0)} GiB, Linux ${machine.kernel}, load ${machine.load.toFixed(1)}; ${Object.entries(
      versions,
    )
      .map(([name, version]) => `${name} ${version}`)
      .join('; ')}`,
    `${release.from}: ${release.files} files, ${(release.bytes / 1e6).toFixed(0)} MB; ${release.changed} changed, ${(release.compressed / 1024).toFixed(0)} KiB as zstd; ${options.hosts} hosts, ${options.repeat} rounds`,
    '',
    markdown(['step', 'by', 'seconds', 'least', 'most', 'KiB a host'], figures),
    '',
    markdown(['deliver against', 'ratio', 'target', ''], judged),
    '',
  ].join('\n')
}

function markdown(head, rows) {
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(3, ...all.map((row) => row[at].length)))
  const isNumber = head.map((_, at) => at > 0 && rows.every((row) => /^[\d.]+$/.test(row[at])))
  const line = (row) =>
    `| ${row.map((cell, at) => (isNumber[at] ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join(' | ')} |`
  const rule = `| ${widths.map((width, at) => (isNumber[at] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** The gate: far from the targets, so that only what went badly wrong fails. Tells what. */
export function judge({ ratios }) {
  const bounds = {
    'incremental: bytes, rsync': 0.5,
    'incremental: time, the faster of rsync and Capistrano': 4,
    'incremental: bytes, changed files as zstd': 4,
  }
  const wrong = ratios.filter(({ what, value }) => value > (bounds[what] ?? Infinity))
  for (const { what, value } of wrong)
    console.error(`gate: ${what}: ${value.toFixed(3)}, more than ${bounds[what]}`)
  return wrong.length === 0
}
