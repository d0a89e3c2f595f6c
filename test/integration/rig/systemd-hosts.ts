import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awscliLayer, baseImage } from './cache.js'
import { mustRun } from './command.js'
import { claimNetwork } from './network.js'
import { createRigDirectory, removeRig, sweepDeadRigs } from './rig-directory.js'
import { SystemdHost } from './systemd-host.js'

export interface HostOptions {
  /** Whether `deploy` may read the journal. Default: yes. */
  readonly journalReadable?: boolean
  /** The rights of `deploy` in sudo: exactly `systemctl restart api` (default), or nothing. */
  readonly sudo?: 'restart' | 'none'
  /** Size of the file system under /srv/api, e.g. `64m`. Default: this machine's disk. */
  readonly diskSize?: string
  /** Whether the host has Debian's awscli. Default: no. */
  readonly awscli?: boolean
}

export interface HostRig {
  /** web1, web2, ... */
  readonly hosts: readonly SystemdHost[]
  readonly identityFile: string
  readonly knownHostsFile: string
  /** Powers the hosts off and removes everything. Idempotent. */
  stop(): Promise<void>
}

/**
 * Boots `count` Debian hosts on a network of their own, with `api.service`, a `deploy` user and strict host keys. `options` is
 * for all of them, or a function of the host's number (from 1).
 */
export async function startHosts(
  count: number,
  options: HostOptions | ((number: number) => HostOptions) = {},
): Promise<HostRig> {
  await sweepDeadRigs()
  const image = await baseImage()
  const network = await claimNetwork()
  const directory = await createRigDirectory(network.bridge)
  const stop = () => removeRig(directory, network.bridge)
  try {
    const keys = await createKeys(join(directory, 'keys'))
    const choices = Array.from({ length: count }, (_, index) =>
      typeof options === 'function' ? options(index + 1) : options,
    )
    const awscli = choices.some((own) => own.awscli === true) ? await awscliLayer() : undefined
    const hosts = choices.map((own, index) => {
      return new SystemdHost({
        name: `web${index + 1}`,
        address: `${network.prefix}.${11 + index}`,
        network,
        directory: join(directory, `web${index + 1}`),
        layers: own.awscli === true && awscli !== undefined ? [image, awscli] : [image],
        keys,
        journalReadable: own.journalReadable ?? true,
        sudo: own.sudo ?? 'restart',
        ...(own.diskSize === undefined ? {} : { diskSize: own.diskSize }),
      })
    })
    // Written as a whole before the first login: ssh must never be asked to trust a key it sees for the first time.
    const lines = await Promise.all(hosts.map((host) => host.prepare()))
    await writeFile(keys.knownHosts, lines.join(''))
    await Promise.all(hosts.map((host) => host.boot()))
    return { hosts, identityFile: keys.deploy, knownHostsFile: keys.knownHosts, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function createKeys(directory: string) {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const keys = {
    deploy: join(directory, 'deploy'),
    admin: join(directory, 'admin'),
    knownHosts: join(directory, 'known_hosts'),
  }
  for (const key of [keys.deploy, keys.admin])
    await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  return keys
}
