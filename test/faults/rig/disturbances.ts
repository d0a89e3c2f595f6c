import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Finished, Running } from '../../integration/rig/deliver.js'
import type { Ground } from './ground.js'
import type { Seeded } from './seeded.js'

/** Something that happens to a deploy. Says what it did, and how deploys may end under it. */
export interface Disturbance {
  readonly name: string
  readonly codes: readonly (number | NodeJS.Signals)[]
  /** Runs the deploy with the fault, to its end. */
  readonly run: (ground: Ground, random: Seeded, release: string) => Promise<Finished>
}

const undone = [0, 1, 4, 5, 6]

export const disturbances: readonly [Disturbance, ...Disturbance[]] = [
  { name: 'nothing', codes: [0], run: (ground, _, release) => ground.run('deploy', release, '--yes') },
  {
    name: 'a connection cut',
    codes: undone,
    run: (ground, random, release) => {
      const direction = random.pick(['up', 'down'] as const)
      proxyOf(ground, random).cutNext({ direction, after: Math.floor(random.next() ** 2 * 230_000) })
      return ground.run('deploy', release, '--yes')
    },
  },
  {
    name: 'a host out of reach',
    codes: [1],
    run: async (ground, random, release) => {
      const proxy = proxyOf(ground, random)
      proxy.down = true
      const finished = await ground.run('deploy', release, '--yes')
      proxy.down = false
      return finished
    },
  },
  signalled('SIGKILL', [0, 'SIGKILL']),
  signalled('SIGTERM', [0, 143, 'SIGTERM']),
  signalled('SIGINT', [0, 130, 'SIGINT']),
  {
    name: 'stopped for a while',
    codes: [0],
    run: async (ground, random, release) => {
      const running = start(ground, release)
      await someTime(random, running)
      running.process.kill('SIGSTOP')
      await sleep(1_500)
      running.process.kill('SIGCONT')
      return running.finished
    },
  },
  {
    name: 'two at once',
    codes: [0, 3],
    run: async (ground, _, release) => {
      const both = await Promise.all([
        ground.run('deploy', release, '--yes'),
        ground.run('deploy', release, '--yes'),
      ])
      // The later one finds the lock taken, or everything done.
      const [worse, better] = both[0].code === 0 ? [both[1], both[0]] : both
      return better.code === 0 ? worse : { ...better, code: -1 }
    },
  },
  {
    name: 'a file of the running release changed in place',
    codes: [0],
    run: (ground, random, release) => {
      const host = ground.world.hosts[random.below(ground.world.hosts.length)]
      appendFileSync(`${host?.targetPath}/current/server.js`, '\n// changed on the host\n')
      return ground.run('deploy', release, '--yes')
    },
  },
]

function proxyOf(ground: Ground, random: Seeded) {
  const proxy = ground.proxies[random.below(ground.proxies.length)]
  if (proxy === undefined) throw new Error('no proxy')
  return proxy
}

function start(ground: Ground, release: string): Running {
  return ground.under([], 'deploy', release, '--yes')
}

/** A moment somewhere in the run; the run may be over by then. */
async function someTime(random: Seeded, running: Running): Promise<void> {
  await Promise.race([sleep(random.next() * 5_000), running.finished])
}

function signalled(signal: NodeJS.Signals, codes: Disturbance['codes']): Disturbance {
  return {
    name: signal,
    codes,
    run: async (ground, random, release) => {
      const running = start(ground, release)
      await someTime(random, running)
      running.process.kill(signal)
      const finished = await running.finished
      // Before it listens to signals it has said and begun nothing.
      if (finished.code === signal && signal !== 'SIGKILL' && finished.output !== '')
        throw new Error(`${signal} was not heeded: ${finished.output}`)
      return finished
    },
  }
}
