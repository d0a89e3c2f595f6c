import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeControlGroups } from './control-groups.js'
import { command, mustRun, type CommandOptions, type CommandResult } from './command.js'
import type { Network } from './network.js'
import {
  childrenOf,
  identify,
  isAlive,
  killContainer,
  processesOf,
  signal,
  writeProcessFile,
} from './processes.js'
import type { ProcessId } from './processes.js'

const deployUid = 1000

export interface MachineSettings {
  readonly name: string
  readonly address: string
  readonly network: Network
  /** This host's place on the machine; see rig-directory.ts. */
  readonly directory: string
  /** Directories that the disk is made of, the uppermost first. */
  readonly layers: readonly string[]
  readonly keys: { readonly deploy: string; readonly admin: string; readonly knownHosts: string }
  /** Whether `deploy` may read the journal. */
  readonly journalReadable: boolean
  /** The rights of `deploy` in sudo: its one line, or none at all. */
  readonly sudo: 'restart' | 'none'
  /** Size of the file system of the app, e.g. `64m`; undefined: as large as this machine's disk. */
  readonly diskSize?: string
}

/** A Debian host with its own systemd, sshd and address, as far from a mock as one machine allows. */
export class SystemdHost {
  readonly targetPath = '/srv/api'
  readonly user = 'deploy'
  readonly name: string
  readonly address: string
  readonly #settings: MachineSettings
  readonly #interface: string
  #nspawn: ProcessId | undefined
  #init: ProcessId | undefined

  constructor(settings: MachineSettings) {
    this.#settings = settings
    this.name = settings.name
    this.address = settings.address
    // nspawn names our end of the cable after the machine; Linux allows 15 characters.
    this.#interface = `vb-${this.#machineName}`
  }

  get #machineName(): string {
    return `${this.#settings.network.bridge}-${this.#settings.address.split('.')[3] ?? ''}`
  }

  /** The host's file system as this machine sees it, to plant faults without ssh. */
  path(inside: string): string {
    return inside === this.targetPath || inside.startsWith(`${this.targetPath}/`)
      ? join(this.#settings.directory, 'srv', inside.slice(this.targetPath.length))
      : join(this.#settings.directory, 'root', inside)
  }

  /** Makes the disk: the shared base below, what this host writes above. Returns its known_hosts line. */
  async prepare(): Promise<string> {
    const { directory, layers: shared, diskSize } = this.#settings
    for (const name of ['upper', 'work', 'root', 'srv'])
      await mkdir(join(directory, name), { recursive: true })
    const layers = `lowerdir=${shared.join(':')},upperdir=${directory}/upper,workdir=${directory}/work`
    await mustRun('mount', ['-t', 'overlay', 'overlay', '-o', layers, join(directory, 'root')])
    if (diskSize !== undefined)
      await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${diskSize}`, 'tmpfs', join(directory, 'srv')])
    await chown(join(directory, 'srv'), deployUid, deployUid)
    await this.#writeSettings()
    const key = this.path('/etc/ssh/ssh_host_ed25519_key')
    await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', this.name, '-f', key])
    const [type, publicKey] = (await readFile(`${key}.pub`, 'utf8')).split(' ')
    return `${this.address} ${type} ${publicKey}\n`
  }

  async #writeSettings(): Promise<void> {
    const { keys, journalReadable, sudo } = this.#settings
    await writeFile(this.path('/etc/hostname'), `${this.name}\n`)
    await writeFile(this.path('/etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${this.name}\n`)
    await mkdir(this.path('/etc/systemd/network'), { recursive: true })
    const network = [
      '[Match]\nName=host0\n[Network]',
      `Address=${this.address}/24`,
      // A pulled cable must not take the address along.
      'ConfigureWithoutCarrier=yes\nIgnoreCarrierLoss=yes\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n',
    ]
    await writeFile(this.path('/etc/systemd/network/10-host0.network'), network.join('\n'))
    await this.#authorize('/home/deploy', deployUid, `${keys.deploy}.pub`)
    await this.#authorize('/root', 0, `${keys.admin}.pub`)
    if (sudo === 'none')
      await writeFile(this.path('/etc/sudoers.d/deploy'), '# deploy may do nothing\n', { mode: 0o440 })
    if (journalReadable)
      await mustRun('chroot', [this.path('/'), 'usermod', '-aG', 'systemd-journal', 'deploy'])
    else await this.#hideJournal()
  }

  /** Without this a user may read what services wrote under its own id, whatever groups it is in. */
  async #hideJournal(): Promise<void> {
    await mkdir(this.path('/etc/systemd/journald.conf.d'), { recursive: true })
    await writeFile(this.path('/etc/systemd/journald.conf.d/rig.conf'), '[Journal]\nSplitMode=none\n')
  }

  async #authorize(home: string, uid: number, publicKey: string): Promise<void> {
    const directory = this.path(`${home}/.ssh`)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(join(directory, 'authorized_keys'), await readFile(publicKey), { mode: 0o600 })
    for (const path of [directory, join(directory, 'authorized_keys')]) await chown(path, uid, uid)
  }

  /** Powers on, and waits until ssh answers as the deploying user. */
  async boot(): Promise<void> {
    const { directory, network } = this.#settings
    const console = openSync(join(directory, 'console.log'), 'a')
    const args = ['-q', '-b', '-D', join(directory, 'root'), '--keep-unit', '--register=no']
    args.push(`--network-bridge=${network.bridge}`, `--bind=${directory}/srv:${this.targetPath}`)
    args.push(`--machine=${this.#machineName}`, `--hostname=${this.name}`)
    const groups = await makeControlGroups(this.#machineName)
    await writeFile(join(directory, 'control-groups'), groups.join('\n'))
    // The shell enters the host's control groups and becomes nspawn, which inherits them.
    const enter =
      'until [ "$1" = -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; shift; exec systemd-nspawn "$@"'
    const line = ['-c', enter, 'sh', ...groups, '--', ...args]
    // Detached: Ctrl-C in the terminal ends the tests, and the tests end the host.
    const child = spawn('sh', line, { stdio: ['ignore', console, console], detached: true })
    closeSync(console)
    child.on('error', () => undefined)
    child.unref()
    if (child.pid === undefined) throw new Error(`${this.name}: systemd-nspawn can't be started`)
    this.#nspawn = await this.#record(child.pid, 'nspawn.pid')
    const started = Date.now()
    while ((await this.ssh('true', { timeout: 5_000 })).code !== 0) {
      const waited = Date.now() - started
      if (this.#nspawn === undefined || !(await isAlive(this.#nspawn)) || waited > 90_000)
        throw new Error(`${this.name} did not boot\n${await this.#lastWords()}`)
      await sleep(100)
    }
    // Only now: the first children of nspawn prepare the container, and its init comes last.
    const [init] = await childrenOf(child.pid)
    if (init !== undefined) this.#init = await this.#record(init, 'init.pid')
  }

  async #record(pid: number, file: string): Promise<ProcessId | undefined> {
    const target = await identify(pid)
    if (target !== undefined) await writeProcessFile(join(this.#settings.directory, file), target)
    return target
  }

  async #lastWords(): Promise<string> {
    return (await readFile(join(this.#settings.directory, 'console.log'), 'utf8')).slice(-3000)
  }

  /** Runs a shell command on the host as `deploy` with the system's own ssh client. */
  ssh(line: string, options: CommandOptions = {}): Promise<CommandResult> {
    return this.#login('deploy', this.#settings.keys.deploy, line, options)
  }

  /** Like `ssh`, as root: the eye of the tests, which the deploying user doesn't have. */
  sshAsRoot(line: string, options: CommandOptions = {}): Promise<CommandResult> {
    return this.#login('root', this.#settings.keys.admin, line, options)
  }

  #login(user: string, key: string, line: string, options: CommandOptions): Promise<CommandResult> {
    const settings = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=4']
    settings.push(`UserKnownHostsFile=${this.#settings.keys.knownHosts}`, 'LogLevel=ERROR')
    const args = ['-F', 'none', '-i', key, ...settings.flatMap((setting) => ['-o', setting])]
    return command('ssh', [...args, `${user}@${this.address}`, line], options)
  }

  /** Pulls the plug: every process gone at once, nothing written that wasn't. `boot()` starts it again on the same disk. */
  async powerOff(): Promise<void> {
    if (this.#nspawn !== undefined) await killContainer(this.#nspawn)
    this.#init = undefined
    this.#nspawn = undefined
    // The kernel takes the cable along with the namespace, but later: a boot right after this would find its name taken.
    await command('ip', ['link', 'delete', this.#interface])
  }

  /** Stops every process; the kernel still answers TCP, as on a host that thrashes. */
  async freeze(): Promise<void> {
    if (this.#init !== undefined) for (const pid of await processesOf(this.#init.pid)) signal(pid, 'SIGSTOP')
  }

  async thaw(): Promise<void> {
    if (this.#init !== undefined) for (const pid of await processesOf(this.#init.pid)) signal(pid, 'SIGCONT')
  }

  /** Pulls the network cable: packets vanish, nobody gets a reset. */
  async cutLink(): Promise<void> {
    await mustRun('ip', ['link', 'set', this.#interface, 'down'])
  }

  async restoreLink(): Promise<void> {
    await mustRun('ip', ['link', 'set', this.#interface, 'up'])
  }
}
