import { existsSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SystemdHost } from './systemd-host.js'
import { ask } from './traffic.js'

export interface Sampler {
  /** What was wrong at any time since the start. */
  stop(): Promise<{ readonly samples: number; readonly wrong: readonly string[] }>
}

const every = 50

/**
 * Watches the hosts during a run, from outside: at every instant `current` must be absent or name a complete release, and never may more hosts
 * be out of service at once than the policy allows. The disks are read directly, so that nothing on the hosts is disturbed.
 */
export function startSampler(hosts: readonly SystemdHost[], mostOut: number): Sampler {
  const wrong = new Set<string>()
  let stopped = false
  let samples = 0
  let outBefore: readonly string[] = []

  async function sample(): Promise<void> {
    for (const host of hosts) for (const each of wrongLink(host)) wrong.add(each)
    const answers = await Promise.all(hosts.map((host) => ask(`${host.address}:3000`, '/health')))
    const out = hosts.filter((_host, index) => typeof answers[index] === 'string').map(({ name }) => name)
    // The hosts are asked one after the other within a sample, so that one may be back when the next goes: twice is out.
    const both = out.filter((name) => outBefore.includes(name))
    if (both.length > mostOut) wrong.add(`out of service at once: ${both.join(', ')}`)
    outBefore = out
    samples += 1
  }

  const running = (async () => {
    while (!stopped) {
      await sample()
      await sleep(every)
    }
  })()
  return {
    async stop() {
      stopped = true
      await running
      return { samples, wrong: [...wrong] }
    },
  }
}

function wrongLink(host: SystemdHost): readonly string[] {
  let link: string
  try {
    link = readlinkSync(host.path(`${host.targetPath}/current`))
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? [] : [String(error)]
  }
  const release = /^releases\/([^/]+)$/.exec(link)?.[1]
  if (release === undefined) return [`${host.name}: current leads to ${link}`]
  const missing = [`releases/${release}/server.js`, `.deliver/manifests/${release}/digest`].filter(
    (path) => !existsSync(host.path(`${host.targetPath}/${path}`)),
  )
  return missing.map((path) => `${host.name}: current named ${release}, which lacked ${path}`)
}
