import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A key pair made by ssh-keygen, as files. */
export interface KeyFiles {
  readonly path: string
  /** The one-line form: type, base64, comment. */
  readonly public: string
}

export async function makeKeyFiles(
  path: string,
  options: { readonly type?: 'ed25519' | 'rsa' | 'ecdsa'; readonly passphrase?: string } = {},
): Promise<KeyFiles> {
  const { type = 'ed25519', passphrase = '' } = options
  await execute('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'rig', '-f', path])
  return { path, public: (await readFile(`${path}.pub`, 'utf8')).trim() }
}

export interface SshdOptions {
  /** A directory for this server's files. Must not exist yet. */
  readonly directory: string
  /** An address of 127.0.0.0/8, each server its own: they need no setup. */
  readonly address: string
  readonly port: number
  readonly hostKeys: readonly KeyFiles[]
  /** Public keys that may log in, in the one-line form. */
  readonly clients: readonly string[]
  /** More of sshd_config, e.g. `{ MaxSessions: '1' }`. First value wins, so these win over the rig's. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A real sshd, run by hand. Needs root and /usr/sbin/sshd. Logs in as root, with root's shell. */
export class Sshd {
  readonly options: SshdOptions
  #process: ChildProcess | undefined

  private constructor(options: SshdOptions) {
    this.options = options
  }

  static async start(options: SshdOptions): Promise<Sshd> {
    const sshd = new Sshd(options)
    const { directory } = options
    await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
    await mkdir(directory, { mode: 0o755 })
    await writeFile(join(directory, 'authorized_keys'), options.clients.map((key) => `${key}\n`).join(''), {
      mode: 0o600,
    })
    await writeFile(join(directory, 'sshd_config'), configOf(options))
    await sshd.resume()
    return sshd
  }

  /** Starts it again after a stop, as it was. */
  async resume(): Promise<void> {
    const { directory, address, port } = this.options
    const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(directory, 'sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)))
    this.#process = child
    for (let tries = 0; !(await accepts(address, port)); tries++) {
      if (child.exitCode !== null || tries > 100) throw new Error(`sshd did not start: ${log}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** The listener's process id. */
  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('sshd is not running')
    return pid
  }

  /** The processes that serve connections: children of the listener, with their children. */
  async sessions(): Promise<readonly number[]> {
    return descendants(this.pid)
  }

  /** Signals every process that serves a connection, the listener apart. */
  async signalSessions(signal: NodeJS.Signals): Promise<void> {
    for (const pid of await this.sessions()) kill(pid, signal)
  }

  /** Ends the listener and all that it serves. */
  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return
    const all = await descendants(this.pid)
    const exited = once(child, 'exit')
    for (const pid of [...all, this.pid]) kill(pid, 'SIGKILL')
    await exited
    this.#process = undefined
  }
}

function configOf({ directory, address, port, hostKeys, settings = {} }: SshdOptions): string {
  const lines = [
    ...Object.entries(settings).map(([key, value]) => `${key} ${value}`),
    `ListenAddress ${address}:${port}`,
    ...hostKeys.map(({ path }) => `HostKey ${path}`),
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    `PidFile ${join(directory, 'sshd.pid')}`,
    // Not root's own: its .bashrc would run at every command, and be killed at any point of it.
    // Nothing of a test is to be run when this machine boots.
    `SetEnv HOME=${directory} DELIVER_BOOT_GUARD=off`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'LogLevel VERBOSE',
  ]
  return `${lines.join('\n')}\n`
}

/** All processes below one, nearest first. */
async function descendants(root: number): Promise<readonly number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The command stands in parentheses and may contain anything; the parent is the second field after it.
    const parent = status.slice(status.lastIndexOf(')') + 2).split(' ')[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const found: number[] = []
  for (let level = [root]; level.length > 0; found.push(...level)) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([pid]) => pid)
  }
  return found
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port })
    socket.once('connect', () => socket.destroy())
    socket.once('error', () => resolve(false))
    socket.once('close', (failed) => resolve(!failed))
  })
}
