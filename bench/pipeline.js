#!/usr/bin/env node
// Times the build half on a generated app: node bench/pipeline.js [--files 4000] [--mb 60] [--format tar.zst] [--keep]
// The content is half text, half noise, as node_modules are; every run makes the same.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { createDirectoryStore } from '../dist/adapters/directory-store.js'
import { systemClock } from '../dist/adapters/clock.js'
import { openGit } from '../dist/adapters/git.js'
import { archiveRelease } from '../dist/build/archive.js'
import { commitDependencies } from '../dist/build/commit.js'
import { publishRelease } from '../dist/build/publish.js'
import { runSetup } from '../dist/build/setup.js'

const { values: options } = parseArgs({
  options: {
    files: { type: 'string', default: '4000' },
    mb: { type: 'string', default: '60' },
    format: { type: 'string', default: 'tar.zst' },
    setup: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const files = Number(options.files)
const bytes = Number(options.mb) * 1e6
const root = mkdtempSync(join(tmpdir(), 'deliver-bench-'))
const app = join(root, 'app')
const rows = []

try {
  makeApp()
  const reporter = { event: () => undefined, close: async () => undefined }
  const git = await openGit(app)
  const release = 'bench-1-prebuilt'
  if (options.setup !== undefined) {
    const build = { setup: options.setup, env: {}, timeout: 3_600_000 }
    await timed('setup', () => runSetup({ directory: app, build, env: process.env, reporter }))
  }
  const request = { git, clock: systemClock, reporter, release, deps: ['node_modules'] }
  await timed('commit-deps', () => commitDependencies(request))
  await timed('commit-deps again', () => commitDependencies(request))
  const archiving = { git, reporter, app: 'bench', release, format: options.format }
  const { record, files: written } = await timed('archive', () => archiveRelease(archiving))
  await timed('archive again', () => archiveRelease(archiving))
  const store = createDirectoryStore({ directory: join(root, 'store') })
  await timed('publish', () => publishRelease({ store, reporter, record, files: written }))
  await timed('publish again', () => publishRelease({ store, reporter, record, files: written }))
  show(record)
} finally {
  if (!options.keep) rmSync(root, { recursive: true, force: true })
}

function makeApp() {
  mkdirSync(app)
  run('init', '-q', '-b', 'main')
  writeFileSync(join(app, 'server.js'), 'console.log(1)\n')
  writeFileSync(join(app, '.gitignore'), 'node_modules/\n')
  run('add', '-A')
  run('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-q', '-m', 'Add the app')
  const size = Math.max(1, Math.round(bytes / files))
  for (let index = 0; index < files; index++) {
    const directory = join(app, 'node_modules', `package-${Math.floor(index / 40)}`, `lib-${index % 4}`)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `file-${index}.js`), contentOf(index, size))
  }
}

/** Sizes from a tenth to ten tenths of twice the mean, for real ones are uneven too. */
function contentOf(index, mean) {
  const length = Math.round((mean * 2 * ((index % 10) + 1)) / 11)
  const text = `export const value${index} = require('./other').default\n`.repeat(Math.ceil(length / 100) + 1)
  const noise = []
  for (let at = 0; at < length / 2; at += 32)
    noise.push(createHash('sha256').update(`${index} ${at}`).digest())
  return Buffer.concat([Buffer.from(text.slice(0, length / 2)), ...noise]).subarray(0, length)
}

function run(...args) {
  execFileSync('git', args, { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] })
}

async function timed(step, work) {
  const started = performance.now()
  const result = await work()
  rows.push({ step, ms: performance.now() - started })
  return result
}

function show({ manifest, tar, archive }) {
  const mb = (count) => (count / 1e6).toFixed(1)
  console.log(
    `node ${process.version}, ${answerOf('git', '--version')}, ${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}`,
  )
  console.log(
    `${manifest.entries} entries, ${mb(manifest.bytes)} MB; tar ${mb(tar.size)} MB; ${archive.format} ${mb(archive.size)} MB\n`,
  )
  console.log(`${'step'.padEnd(20)}${'seconds'.padStart(9)}${'MB/s'.padStart(9)}`)
  for (const { step, ms } of rows) {
    const rate = (manifest.bytes / 1e6 / (ms / 1000)).toFixed(0)
    console.log(step.padEnd(20) + (ms / 1000).toFixed(2).padStart(9) + rate.padStart(9))
  }
  console.log(`\npeak memory of this process: ${mb(peakMemory())} MB`)
}

function answerOf(command, ...args) {
  return execFileSync(command, args).toString().trim()
}

/** Kilobytes on Linux and macOS alike, as Node gives them. */
function peakMemory() {
  return process.resourceUsage().maxRSS * 1024
}
