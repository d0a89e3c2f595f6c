import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

/** All that a run found out, as `--json` writes it. Seconds and bytes; of several samples the median counts. */
export function summarise({ options, record, samples }) {
  const { entries, bytes } = record.manifest
  return {
    machine: { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', memory: totalmem() },
    versions: {
      node: process.version,
      git: answerOf('git', '--version'),
      zstd: answerOf('zstd', '--version'),
    },
    options,
    release: { entries, bytes, tar: record.tar.size, archive: record.archive.size },
    steps: [...samples].map(([step, taken]) => stepOf(step, taken, { entries, bytes })),
  }
}

function stepOf(step, taken, { entries, bytes }) {
  const seconds = median(taken.map((sample) => sample.seconds))
  const work = taken[0]?.work ?? 0
  return {
    step,
    seconds,
    least: Math.min(...taken.map((sample) => sample.seconds)),
    most: Math.max(...taken.map((sample) => sample.seconds)),
    runs: taken.length,
    cpu: median(taken.map((sample) => sample.cpu)),
    peak: Math.max(...taken.map((sample) => sample.peak)),
    ...(work === 0
      ? {}
      : { bytesPerSecond: (bytes * work) / seconds, filesPerSecond: (entries * work) / seconds }),
  }
}

/** What a step may take of the seconds of another: far from what is usual, so that only what went badly wrong fails. */
const bounds = [
  { step: 'commit-deps again', of: 'commit-deps', most: 0.9 },
  { step: 'archive again', of: 'archive', most: 0.8 },
  { step: 'deploy again', of: 'deploy', most: 0.6 },
  { step: 'deploy, 1 % new', of: 'deploy', most: 0.8 },
]

/** Whether the least of each step is within its bounds; tells all ratios. */
export function judge({ steps }) {
  const least = new Map(steps.map((each) => [each.step, each.least]))
  const ratios = bounds.map((bound) => ({ ...bound, ratio: least.get(bound.step) / least.get(bound.of) }))
  for (const { step, of, most, ratio } of ratios)
    console.log(`gate: ${step}: ${ratio.toFixed(2)} of ${of} (at most ${most})`)
  // A step that is missing is no step that went well.
  return ratios.every(({ ratio, most }) => ratio <= most)
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** One table for people. */
export function tableOf({ machine, versions, options, release, steps }) {
  const columns = ['step', 'seconds', 'least', 'most', 'CPU', 'MB/s', 'files/s', 'peak MB']
  const rows = steps.map((each) => [
    each.step,
    each.seconds.toFixed(2),
    each.least.toFixed(2),
    each.most.toFixed(2),
    each.cpu.toFixed(2),
    each.bytesPerSecond === undefined ? '' : mb(each.bytesPerSecond),
    each.filesPerSecond === undefined ? '' : each.filesPerSecond.toFixed(0),
    mb(each.peak),
  ])
  const widths = columns.map((_, at) => Math.max(...[columns, ...rows].map((row) => row[at].length)))
  const line = (row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ')
  return [
    `${machine.cores} x ${machine.cpu}, ${(machine.memory / 2 ** 30).toFixed(0)} GiB; node ${versions.node}, ${versions.git}, zstd ${versions.zstd}`,
    `${release.entries} entries, ${mb(release.bytes)} MB; tar ${mb(release.tar)} MB, ${options.format} ${mb(release.archive)} MB; ${options.hosts} hosts`,
    '',
    ...[columns, ...rows].map(line),
    '',
  ].join('\n')
}

function mb(bytes) {
  return (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)
}

function answerOf(command, ...args) {
  try {
    const answer = execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
    return /v(\d[\d.]*)/.exec(answer)?.[1] ?? answer
  } catch {
    return 'none'
  }
}
