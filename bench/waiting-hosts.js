// Forked by many-hosts.js, so that its peak memory is its own: a command that takes its time on every host, at most so many at once.
import { performance } from 'node:perf_hooks'
import { createSsh2Transport } from '../dist/adapters/ssh/transport.js'
import { inParallel } from '../dist/execute/parallel.js'
import { turnsOf } from './turns.js'

process.once('message', ({ concurrency, hosts, settings, takes }) => {
  void measure({ concurrency, hosts, settings, takes })
})

async function measure({ concurrency, hosts, settings, takes }) {
  const started = performance.now()
  let [running, most] = [0, 0]
  const transport = createSsh2Transport({ ssh: settings, env: process.env, home: '/nonexistent' })
  await inParallel(turnsOf(concurrency), hosts, async (host) => {
    most = Math.max(most, ++running)
    const session = await transport.connect(host)
    const ended = await session.exec(`sleep ${takes}`, { timeout: 60_000 })
    if (ended.kind !== 'exit' || ended.code !== 0) throw new Error(JSON.stringify(ended))
    await session.close()
    running--
  })
  await transport.close()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage()
  process.send({
    seconds,
    cpu: (user + system) / 1e6,
    peak: process.resourceUsage().maxRSS / 1024,
    most,
  })
  process.disconnect()
}
