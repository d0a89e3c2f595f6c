#!/usr/bin/env node
// Times the build half (setup, commit-deps, publish) against the plain shell steps, on an app of some 22,000 installed files. Both
// take turns in each round, and the ratios are of the two neighbours. Needs the npm registry once, to fill npm's cache.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { plotOfBuild } from './build-plot.js'
import { deliver } from './deliver.js'

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '3' },
    json: { type: 'string' },
    plot: { type: 'string' },
    small: { type: 'boolean', default: false },
  },
})
const root = mkdtempSync(join(tmpdir(), 'deliver-build-half-'))
const npm = execFileSync('sh', ['-c', 'command -v npm']).toString().trim()
const took = join(root, 'npm-seconds')
process.env.PATH = `${timedNpm()}${delimiter}${process.env.PATH}`
const rows = { unchanged: [], gone: [], changed: [] }

try {
  const plain = appIn(join(root, 'plain'))
  const ours = appIn(join(root, 'ours'))
  // Both have installed and built this lockfile before.
  plainSteps(plain, 'first')
  await deliverSteps(ours, 'first')
  for (let round = 1; round <= Number(values.repeat); round++) {
    for (const kind of ['unchanged', 'gone', 'changed']) {
      for (const app of [plain, ours]) edit(app, `${kind} ${round}`)
      if (kind === 'gone') rmSync(join(ours, 'node_modules'), { recursive: true })
      if (kind === 'changed') for (const app of [plain, ours]) lock(app, round)
      const name = `${kind}-${round}`
      const row = { plain: plainSteps(plain, name), deliver: await deliverSteps(ours, name) }
      rows[kind].push(row)
      const line = ['plain', 'deliver'].map((who) => `${who} ${show(row[who])}`).join(', ')
      process.stderr.write(`round ${round}: ${kind}: ${line}\n`)
    }
  }
  report()
} finally {
  rmSync(root, { recursive: true, force: true })
}

/** An npm that tells how long it took. */
function timedNpm() {
  const bin = join(root, 'bin')
  mkdirSync(bin, { recursive: true })
  const script = `#!/bin/sh\ns=$(date +%s.%N)\n'${npm}' "$@"; c=$?\necho "$s $(date +%s.%N)" >'${took}'\ntimes >'${took}.cpu'\nexit $c\n`
  writeFileSync(join(bin, 'npm'), script, { mode: 0o755 })
  return bin
}

/** Of npm and what it ran, as the shell tells it: `0m1.50s 0m0.20s` in the second line. */
function npmCpu() {
  const [, line = ''] = readFileSync(`${took}.cpu`, 'utf8').split('\n')
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => 60 * minutes + Number(seconds),
  )
  return parts.reduce((sum, each) => sum + each, 0)
}

function npmSeconds() {
  const [start, end] = readFileSync(took, 'utf8').split(' ').map(Number)
  return end - start
}

function appIn(directory) {
  mkdirSync(directory, { recursive: true })
  git(directory, 'init', '-q', '-b', 'main')
  writeFileSync(join(directory, '.gitignore'), 'node_modules/\n')
  const config = { app: 'bench', build: { keep: 3 }, store: { directory: join(root, 'store') } }
  writeFileSync(join(directory, 'deliver.config.json'), JSON.stringify(config))
  lock(directory, 0)
  return directory
}

/** The lockfile of every second round is the same, so that its install is from npm's cache. */
function lock(directory, round) {
  const kept = join(root, `lock-${values.small ? 'small' : 'large'}-${round}`)
  const version = (older, newer) => (round % 2 === 0 ? older : newer)
  const large = {
    next: '15.5.29',
    react: '19.3.1',
    'react-dom': '19.3.1',
    '@aws-sdk/client-s3': '3.1175.0',
    '@aws-sdk/client-ec2': '3.1169.0',
    typescript: '5.9.3',
    sharp: '0.34.5',
    'date-fns': version('4.0.0', '4.1.0'),
  }
  const dependencies = {
    express: version('4.21.1', '4.21.2'),
    // A version of its own for each round: a lockfile that was seen before would be no change.
    semver: `7.${1 + (round % 6)}.0`,
    ...(values.small ? {} : large),
  }
  const manifest = JSON.stringify({ name: 'bench', version: '1.0.0', private: true, dependencies })
  writeFileSync(join(directory, 'package.json'), manifest)
  rmSync(join(directory, 'package-lock.json'), { force: true })
  try {
    cpSync(kept, join(directory, 'package-lock.json'))
  } catch {
    run(directory, `npm install --package-lock-only --no-audit --no-fund`)
    cpSync(join(directory, 'package-lock.json'), kept)
  }
  edit(directory, `lock ${round}`)
}

function edit(directory, text) {
  writeFileSync(join(directory, 'server.js'), `console.log('${text}')\n`)
  git(directory, 'add', '-A')
  git(directory, 'commit', '-q', '--allow-empty', '-m', text)
}

function plainSteps(directory, name) {
  const started = performance.now()
  const cpu = childrenCpu()
  run(directory, 'rm -rf node_modules && npm ci --omit=dev --no-audit --no-fund')
  const archive = join(root, `${name}.tar.zst`)
  git(directory, 'checkout', '-q', '--detach')
  git(directory, 'add', '-f', 'node_modules')
  git(directory, 'commit', '-q', '-m', name)
  git(directory, 'tag', name)
  run(
    directory,
    `git archive ${name} | zstd -q -3 -T0 -o '${archive}' && cp '${archive}' '${archive}.uploaded' && sync '${archive}.uploaded'`,
  )
  const result = {
    seconds: (performance.now() - started) / 1000,
    cpu: childrenCpu() - cpu,
    npmCpu: npmCpu(),
    npm: npmSeconds(),
  }
  // Not part of the work: back to the branch, with node_modules in place as a CI box would have it.
  git(directory, 'symbolic-ref', 'HEAD', 'refs/heads/main')
  git(directory, 'reset', '-q', '--mixed')
  for (const path of [archive, `${archive}.uploaded`]) rmSync(path)
  return result
}

async function deliverSteps(directory, name) {
  writeFileSync(took, '0 0')
  writeFileSync(`${took}.cpu`, '')
  const cpu = childrenCpu()
  const steps = [['setup'], ['commit-deps', '--tag', name], ['publish', '--tag', name]]
  const each = {}
  for (const args of steps) each[args[0]] = (await deliver(['--plain', ...args], { cwd: directory })).seconds
  const seconds = Object.values(each).reduce((sum, value) => sum + value, 0)
  return { seconds, cpu: childrenCpu() - cpu, npm: npmSeconds(), npmCpu: npmCpu(), ...each }
}

/** Seconds of all programs that have ended, and theirs: on a machine that does other things too, the steadier figure. */
function childrenCpu() {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

function report() {
  const table = Object.entries(rows).map(([kind, samples]) => {
    const net = kind === 'changed'
    // The CPU of npm is in both when it runs in both.
    const seconds = ({ seconds, npm }) => (net ? seconds - npm : seconds)
    const cpu = (row) => (net ? row.cpu - row.npmCpu : row.cpu)
    return {
      kind: net
        ? 'changed lockfile, without npm ci'
        : kind === 'gone'
          ? 'unchanged, node_modules gone'
          : 'unchanged',
      plain: median(samples.map(({ plain }) => seconds(plain))),
      deliver: median(samples.map(({ deliver }) => seconds(deliver))),
      ratio: median(samples.map(({ plain, deliver }) => seconds(plain) / seconds(deliver))),
      cpu: median(samples.map(({ plain, deliver }) => cpu(plain) / cpu(deliver))),
      samples,
    }
  })
  console.log(
    'build half: seconds of plain steps and of deliver, medians; ratios of seconds and of CPU seconds: medians of the paired ones',
  )
  for (const { kind, plain, deliver, ratio, cpu } of table)
    console.log(
      `${kind.padEnd(34)} ${plain.toFixed(2).padStart(7)} ${deliver.toFixed(2).padStart(7)} ${ratio.toFixed(1).padStart(6)} x ${cpu.toFixed(1).padStart(6)} x`,
    )
  if (values.plot !== undefined)
    writeFileSync(
      values.plot,
      plotOfBuild(table, `Seconds of a build on a CI box with its clone, median of ${values.repeat}`),
    )
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ node: process.version, rows: table }, undefined, 2)}\n`)
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function show({ seconds, cpu, npm }) {
  return `${seconds.toFixed(2)} s (npm ${npm.toFixed(2)}, CPU ${cpu.toFixed(2)})`
}

function git(cwd, ...args) {
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'commit.gpgsign=false']
  execFileSync('git', [...identity, ...args], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}

function run(cwd, command) {
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(`${command}: ${stderr.toString()}`)
}
