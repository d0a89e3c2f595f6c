#!/usr/bin/env node
// What many hosts cost deliver itself: a delta to each of 200 embedded SSH servers, a command that takes its time on them, and `deliver status`
// of 50 real sshds. bench/README.md says what the figures mean.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { createSsh2Transport } from '../dist/adapters/ssh/transport.js'
import { inParallel } from '../dist/execute/parallel.js'
import { deliver } from './deliver.js'
import { run } from './peers/command.js'
import { median } from './report.js'
import { startServers } from './servers-for.js'
import { turnsOf } from './turns.js'

const { values } = parseArgs({
  options: {
    transfers: { type: 'string', default: '200' },
    kib: { type: 'string', default: '512' },
    /** As `ssh.concurrency`: auto, or a number. */
    concurrency: { type: 'string', default: 'auto' },
    waits: { type: 'string', default: '200' },
    takes: { type: 'string', default: '2' },
    status: { type: 'string', default: '50' },
    repeat: { type: 'string', default: '5' },
  },
})
const repeat = Number(values.repeat)
const scratch = await mkdtemp(join(tmpdir(), 'bench-many-'))
try {
  const body = randomBytes(Number(values.kib) * 1024)
  const one = await transfers(1, body)
  const all = await transfers(Number(values.transfers), body)
  const own = process.resourceUsage().maxRSS / 1024
  console.log(
    `${values.kib} KiB to ${values.transfers} embedded SSH servers, connections included, median of ${repeat}:`,
  )
  console.log(
    `  1 host ${one.seconds.toFixed(3)} s, ${values.transfers} hosts ${all.seconds.toFixed(2)} s (CPU ${all.cpu.toFixed(2)} s): ${(all.seconds / one.seconds).toFixed(0)} x for ${values.transfers} x as many; peak ${own.toFixed(0)} MB\n`,
  )
  if (Number(values.waits) > 0) await waits(Number(values.waits), Number(values.takes))
  if (Number(values.status) > 0) await statusOf(Number(values.status))
} finally {
  await rm(scratch, { recursive: true, force: true })
}

/** Until each of so many servers has the body: median seconds, and median CPU seconds of this process. */
async function transfers(count, body) {
  const { hosts, settings, stop } = await startServers(count, scratch)
  const samples = []
  for (let round = 0; round < repeat; round++) {
    const started = performance.now()
    const before = process.cpuUsage()
    const transport = createSsh2Transport({ ssh: settings, env: process.env, home: '/nonexistent' })
    await inParallel(turnsOf(values.concurrency), hosts, (host) => send(transport, host, body))
    await transport.close()
    const { user, system } = process.cpuUsage(before)
    samples.push({ seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 })
  }
  stop()
  return {
    seconds: median(samples.map(({ seconds }) => seconds)),
    cpu: median(samples.map(({ cpu }) => cpu)),
  }
}

async function send(transport, host, body) {
  const session = await transport.connect(host)
  let told = ''
  const ended = await session.exec('cat >/dev/null', {
    stdin: body,
    timeout: 60_000,
    onStdout: (chunk) => (told += chunk),
  })
  if (ended.kind !== 'exit' || ended.code !== 0 || told !== String(body.length))
    throw new Error(`${JSON.stringify(ended)} ${told}`)
  await session.close()
}

/** A command that takes its time on each of so many servers: a fixed limit and auto in turns. */
async function waits(count, takes) {
  const { hosts, settings, stop } = await startServers(count, scratch)
  const samples = new Map([
    ['20', []],
    ['auto', []],
  ])
  for (let round = 0; round < repeat; round++)
    for (const [concurrency, list] of samples) {
      const child = fork(fileURLToPath(new URL('waiting-hosts.js', import.meta.url)))
      child.send({ concurrency, hosts, settings, takes })
      const [sample] = await once(child, 'message')
      list.push(sample)
    }
  stop()
  console.log(
    `a command of ${takes} s on ${count} embedded SSH servers, connections included, median of ${repeat}:`,
  )
  for (const [concurrency, list] of samples) {
    const of = (key) => median(list.map((sample) => sample[key]))
    console.log(
      `  concurrency ${concurrency}: ${of('seconds').toFixed(1)} s, CPU ${of('cpu').toFixed(1)} s, peak ${of('peak').toFixed(0)} MB, at most ${of('most')} at once`,
    )
  }
  console.log()
}

/** `deliver status` against one `ssh host true`; each host is a sshd of its own on this machine. */
async function statusOf(count) {
  const rig = createJiti(import.meta.url)
  const { startLoopbackHosts } = await rig.import('../test/integration/rig/loopback-hosts.ts')
  const { hosts, identityFile, knownHostsFile, stop } = await startLoopbackHosts(count)
  try {
    const directory = join(scratch, 'app')
    const store = join(scratch, 'store')
    await mkdir(directory)
    await mkdir(store)
    await writeFile(join(directory, 'server.js'), '1\n')
    await writeFile(join(directory, '.gitignore'), 'build/\n')
    const config = {
      app: 'many',
      store: { directory: store },
      fleet: { hosts: hosts.map(({ name, address, port }) => ({ name, host: address, port })) },
      ssh: { user: 'root', identityFile, knownHosts: knownHostsFile, config: false, agent: false },
      target: { path: 'app' },
      rollout: { strategy: 'parallel' },
    }
    await writeFile(join(directory, 'deliver.config.json'), JSON.stringify(config))
    const git = (...args) =>
      run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd: directory })
    await git('init', '-q')
    await git('add', '.')
    await git('commit', '-q', '-m', 'one')
    const step = (...args) => deliver(['--plain', ...args], { cwd: directory })
    for (const name of ['commit-deps', 'archive', 'publish']) await step(name, '--tag', 'r1')
    const deployed = await step('deploy', 'r1', '--yes')
    const ssh = (host) =>
      run('ssh', [
        '-i',
        identityFile,
        '-o',
        `UserKnownHostsFile=${knownHostsFile}`,
        '-F',
        'none',
        '-p',
        String(host.port),
        `root@${host.address}`,
        'true',
      ])
    const ours = []
    const theirs = []
    for (let round = 0; round < repeat; round++) {
      ours.push((await step('status')).seconds)
      const started = performance.now()
      await ssh(hosts[0])
      theirs.push((performance.now() - started) / 1000)
    }
    const ratio = median(ours) / median(theirs)
    console.log(
      `${count} sshds on this machine: deploy of one file to all ${deployed.seconds.toFixed(2)} s, of which deliver itself computes ${deployed.cpu.toFixed(1)} s; its peak ${(deployed.peak / 1e6).toFixed(0)} MB`,
    )
    console.log(
      `  deliver status ${median(ours).toFixed(2)} s, one ssh true ${median(theirs).toFixed(3)} s: ${ratio.toFixed(1)} x`,
    )
  } finally {
    await stop()
  }
}
