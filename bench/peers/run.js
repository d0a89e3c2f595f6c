#!/usr/bin/env node
// deliver against other ways to bring a release to hosts, in one run. bench/README.md says what the figures mean.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { capistrano } from './capistrano.js'
import { run } from './command.js'
import { configFor, deliver } from './deliver.js'
import { cacheDirectory, startFleet } from './fleet.js'
import { gitInPlace } from './git-in-place.js'
import { rawPush, status } from './pairs.js'
import { plotOf } from './plot.js'
import { judge, summarise, tableOf } from './report.js'
import { buildReleases } from './repository.js'
import { rsync, rsyncKept } from './rsync.js'
import { compareTrees, makeWork } from './work.js'
import { zstdOfChanged } from './zstd.js'

const everybody = [deliver, rsync, rsyncKept, capistrano, gitInPlace]
const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '4' },
    repeat: { type: 'string', default: '3' },
    peers: { type: 'string', default: everybody.map(({ name }) => name).join(',') },
    small: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    pairs: { type: 'boolean', default: true },
    json: { type: 'string' },
    plot: { type: 'string' },
  },
  allowNegative: true,
})
const peers = everybody.filter(({ name }) => values.peers.split(',').includes(name))
const closing = []
/** Ms between two deploys. */
const settled = 5000
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(name, () => void close().then(() => process.exit(1)))

try {
  await main()
} finally {
  await close()
}

async function close() {
  for (const each of closing.splice(0).reverse()) await each()
}

async function main() {
  const work = await makeWork(await cacheDirectory(), values)
  // Beside the cache: the temporary directory may be in memory, or on another disk than the hosts are.
  const scratch = await mkdtemp(join(await cacheDirectory(), 'bench-'))
  closing.push(() => rm(scratch, { recursive: true, force: true }))
  const fleet = await startFleet(Number(values.hosts), peers)
  closing.push(() => fleet.stop())
  const world = {
    fleet,
    work,
    scratch,
    repository: join(scratch, 'repository'),
    store: join(scratch, 'store'),
  }
  world.commits = await buildReleases(world.repository, work, configFor(world))
  const release = await compareTrees(work.r1, work.r2)
  const compressed = await zstdOfChanged(work.r2, release.changed)
  say(
    `${work.from}: ${release.files} files, ${release.bytes} bytes; ${release.changed.length} change, ${release.changedBytes} bytes, ${compressed} as zstd`,
  )
  const samples = []
  const ready = []
  for (const peer of peers) {
    const prepared = await peer.prepare(world)
    closing.push(() => prepared.close())
    ready.push({ peer, ...prepared })
  }
  for (let round = 1; round <= Number(values.repeat); round++) {
    // Nobody always comes first.
    const order = [...ready.slice(round % ready.length), ...ready.slice(0, round % ready.length)]
    for (const each of order)
      await takePart(each, fleet, (step, sample) => note(round, each.peer, step, sample))
  }
  if (values.pairs && !values.gate)
    for (const pair of [rawPush, status]) samples.push(...(await pair(world, say)))

  const versions = Object.fromEntries(
    await Promise.all(peers.map(async (peer) => [peer.name, await peer.version()])),
  )
  const summary = summarise({
    samples,
    peers,
    versions,
    release: { ...release, changed: release.changed.length, compressed, from: work.from },
    options: values,
  })
  console.log(`\n${tableOf(summary)}`)
  if (values.json !== undefined) await save(values.json, `${JSON.stringify(summary, undefined, 2)}\n`)
  if (values.plot !== undefined) await save(values.plot, plotOf(summary))
  if (values.gate) process.exitCode = judge(summary) ? 0 : 1

  function note(round, peer, step, sample) {
    samples.push({ peer: peer.name, step, ...sample })
    say(
      `round ${round}: ${peer.name} ${step} ${sample.seconds.toFixed(2)} s, ${Math.round(sample.bytes / 1024)} KiB a host`,
    )
  }
}

/** From nothing to the first release, to the second, and once more to the second. */
async function takePart({ peer, reset, beforehand, forget, deploy }, fleet, note) {
  await fleet.everywhere((host) => fleet.putAway(host, `/srv/api/${peer.name}`))
  await reset()
  forget()
  for (const [step, release] of [
    ['first', 'r1'],
    ['incremental', 'r2'],
    ['again', 'r2'],
  ]) {
    await beforehand(release)
    // What was prepared in the background by the deploy before has had its time, as between two deploys in life.
    await sleep(settled)
    await run('sync', [])
    const before = await fleet.bytes()
    const started = performance.now()
    await deploy(release)
    const seconds = (performance.now() - started) / 1000
    note(step, { seconds, bytes: (await fleet.bytes()) - before })
  }
}

async function save(path, text) {
  await mkdir(dirname(resolve(path)), { recursive: true })
  await writeFile(path, text)
}

function say(text) {
  process.stderr.write(`${text}\n`)
}
