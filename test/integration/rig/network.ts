import { command, mustRun } from './command.js'

/** A private network of one rig: a bridge on this machine and the /24 behind it. */
export interface Network {
  readonly bridge: string
  /** `10.77.x`: hosts are `.11` and up, this machine is `.1`. */
  readonly prefix: string
}

/**
 * Takes a network that no other rig has. Creating the bridge is the claim: the kernel refuses a name twice, so two rigs
 * that start at once can't get the same one.
 */
export async function claimNetwork(): Promise<Network> {
  for (let subnet = 101; subnet <= 250; subnet += 1) {
    const network = { bridge: `dlv${subnet}`, prefix: `10.77.${subnet}` }
    const created = await command('ip', ['link', 'add', network.bridge, 'type', 'bridge'])
    if (created.code !== 0 && created.stderr.includes('File exists')) continue
    if (created.code !== 0)
      throw new Error(`can't create the bridge ${network.bridge}: ${created.stderr.trim()}`)
    await mustRun('ip', ['address', 'add', `${network.prefix}.1/24`, 'dev', network.bridge])
    await mustRun('ip', ['link', 'set', network.bridge, 'up'])
    return network
  }
  throw new Error('all networks 10.77.101-250 are taken: remove bridges dlv* that nobody uses')
}

export async function releaseNetwork(bridge: string): Promise<void> {
  await command('ip', ['link', 'delete', bridge])
}
