import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeliverError } from '../errors.js'
import { configFor, type SandboxConfig } from './config.js'
import { claimDirectory, loadKeyPair, refuseIfRunning, removeReleases } from './directory.js'
import { defaultStart, sandboxUser } from './host-directory.js'
import { startHost, type RunningHost, type SandboxHost } from './host.js'
import { knownHostsLine } from './keys.js'
import { killLeftovers } from './leftovers.js'
import { readState, writeState } from './state.js'

export interface SandboxOptions {
  /** Made if missing. An earlier sandbox's hosts, keys and ports are used again. */
  readonly directory: string
  readonly hosts: number
  /** The port that the app listens on, as the config names it. */
  readonly appPort: number
  /** Shell command that starts the app, run in its release. Default: `node server.js`, else `npm start`. */
  readonly start?: string
  /** Begin with empty hosts and an empty store. */
  readonly fresh?: boolean
}

export interface Sandbox {
  readonly directory: string
  readonly hosts: readonly SandboxHost[]
  readonly identityFile: string
  readonly knownHostsFile: string
  /** What a deliver config needs for these hosts. */
  readonly config: SandboxConfig
  /** Ends the servers, the apps and everything else that runs on the hosts; files stay. Idempotent, never rejects. */
  stop(): Promise<void>
}

const address = '127.0.0.1'
const maxHosts = 50

/** Starts pretend hosts on this machine: an SSH server each, in front of a real shell in a directory of its own. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  check(options)
  const directory = await claimDirectory(options.directory)
  await refuseIfRunning(directory)
  const running: RunningHost[] = []
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopAll(directory, running))
  try {
    await killLeftovers(directory) // of a sandbox that was killed
    if (options.fresh === true) await removeReleases(directory)
    await startHosts(directory, options, running)
    const hosts = running.map(({ host }) => host)
    const identityFile = join(directory, 'keys', 'client')
    const knownHostsFile = join(directory, 'keys', 'known_hosts')
    const known = running.map(({ host, publicKey }) => knownHostsLine(address, host.sshPort, publicKey))
    await writeFile(knownHostsFile, known.join(''))
    const { appPort } = options
    const config = configFor({ address, user: sandboxUser, hosts, identityFile, knownHostsFile, appPort })
    return { directory, hosts, identityFile, knownHostsFile, config, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Adds each host to `running` as soon as it is up, for whoever must stop them if a later one fails. */
async function startHosts(directory: string, options: SandboxOptions, running: RunningHost[]): Promise<void> {
  const { sshPorts } = await readState(directory)
  const client = await loadKeyPair(directory, 'client')
  for (let number = 1; number <= options.hosts; number++) {
    const name = `web${number}`
    running.push(
      await startHost({
        name,
        sandboxDirectory: directory,
        clientKey: client.publicKey,
        declaredPort: options.appPort,
        start: options.start ?? defaultStart,
        wantedSshPort: sshPorts[name],
      }),
    )
  }
  const used = Object.fromEntries(running.map(({ host }) => [host.name, host.sshPort]))
  await writeState(directory, { pid: process.pid, sshPorts: { ...sshPorts, ...used } })
}

async function stopAll(directory: string, running: readonly RunningHost[]): Promise<void> {
  await Promise.allSettled(running.map((host) => host.stop()))
  await killLeftovers(directory)
  const { sshPorts } = await readState(directory)
  await writeState(directory, { sshPorts }).catch(() => {}) // the directory may be gone
}

function check({ hosts, appPort, start }: SandboxOptions): void {
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > maxHosts) {
    throw new DeliverError('usage', `sandbox: ${hosts} is no number of hosts`, {
      fix: `give 1 to ${maxHosts}`,
    })
  }
  if (!Number.isInteger(appPort) || appPort < 1 || appPort > 65_535) {
    throw new DeliverError('usage', `sandbox: ${appPort} is no port`, { fix: 'give 1 to 65535' })
  }
  if (start !== undefined && (start.trim() === '' || start.includes('\0'))) {
    throw new DeliverError('usage', 'sandbox: the start command is empty or holds a NUL byte', {
      fix: "give a shell command, e.g. --start 'node server.js'",
    })
  }
}
