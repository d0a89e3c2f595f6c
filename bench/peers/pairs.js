import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createSsh2Transport } from '../../dist/adapters/ssh/transport.js'
import { deliver } from '../deliver.js'
import { run } from './command.js'

const rounds = 5

/** One archive to one host by deliver's transport, and by `ssh host 'cat >file'`, in turn. */
export async function rawPush({ fleet, store }, say) {
  const [host] = fleet.hosts
  const archive = join(store, 'bench/releases/r1/archive.tar.zst')
  const { size } = statSync(archive)
  const ssh = {
    identityFile: [fleet.identityFile],
    knownHosts: [fleet.knownHostsFile],
    agent: false,
    config: false,
    retries: 0,
    concurrency: 1,
  }
  const transport = createSsh2Transport({ ssh, env: process.env, home: '/nonexistent' })
  const session = await transport.connect({
    name: host.name,
    address: host.address,
    user: 'deploy',
    labels: {},
  })
  const samples = []
  try {
    for (let round = 0; round < rounds; round++) {
      samples.push({
        peer: 'deliver',
        step: 'raw push',
        bytes: size,
        seconds: await timed(async () => {
          const stdin = createReadStream(archive, { highWaterMark: 256 * 1024 })
          const ended = await session.exec('cat >/srv/api/raw', { stdin, timeout: 600_000 })
          if (ended.kind !== 'exit' || ended.code !== 0) throw new Error(JSON.stringify(ended))
        }),
      })
      samples.push({
        peer: 'ssh',
        step: 'raw push',
        bytes: size,
        seconds: await timed(() =>
          run('sh', [
            '-c',
            'file=$1; shift; exec ssh "$@" "cat >/srv/api/raw" <"$file"',
            'sh',
            archive,
            ...fleet.sshOptions,
            `deploy@${host.address}`,
          ]),
        ),
      })
    }
  } finally {
    await session.close()
    await transport.close()
  }
  say(`raw push: ${samples.map(({ peer, seconds }) => `${peer} ${seconds.toFixed(2)}`).join(', ')}`)
  return samples
}

/** `deliver status` of the fleet against one `ssh host true`. */
export async function status({ fleet, scratch }, say) {
  const samples = []
  const [host] = fleet.hosts
  for (let round = 0; round < rounds; round++) {
    samples.push({
      peer: 'deliver',
      step: 'status',
      bytes: 0,
      seconds: (
        await deliver(['--plain', '-c', join(scratch, 'deliver.config.json'), 'status'], { cwd: scratch })
      ).seconds,
    })
    samples.push({
      peer: 'ssh',
      step: 'status',
      bytes: 0,
      seconds: await timed(() => fleet.on(host, 'true')),
    })
  }
  say(`status: ${samples.map(({ peer, seconds }) => `${peer} ${seconds.toFixed(2)}`).join(', ')}`)
  return samples
}

async function timed(work) {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
