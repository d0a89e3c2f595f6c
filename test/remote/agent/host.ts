/** A host on this machine: calls go through the real wire line into a real shell. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { afterEach, describe } from 'vitest'
import { callAgent, type AgentCallOptions } from '../../../src/execute/agent-client.js'
import type { Ended, ExecOptions, Session } from '../../../src/ports.js'
import type { Answer } from '../../../src/remote/answers.js'
import type { AgentCall } from '../../../src/remote/wire.js'
import { removeAll } from '../../fakes/remove.js'

export type Shell = 'dash' | 'bash' | 'busybox'

function find(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((directory) => join(directory, program))
    .find((file) => existsSync(file))
}

export const shells: readonly { readonly shell: Shell; readonly installed: boolean }[] = (
  ['dash', 'bash', 'busybox'] as const
).map((shell) => ({ shell, installed: find(shell) !== undefined }))

/** A PATH on which `sh` is that shell. With busybox there is nothing else on it but busybox. */
export function pathOf(shell: Shell, bin: string): string {
  const program = find(shell)
  if (program === undefined) throw new Error(`${shell} is not installed`)
  mkdirSync(bin, { recursive: true })
  if (shell !== 'busybox') {
    symlinkSync(program, join(bin, 'sh'))
    return `${bin}:${process.env['PATH'] ?? ''}`
  }
  const { stdout } = spawnSync(program, ['--list'], { encoding: 'utf8' })
  for (const applet of stdout.split('\n').filter((name) => /^[a-z0-9[_-]+$/.test(name))) {
    symlinkSync(program, join(bin, applet))
  }
  return bin
}

export class LocalHost implements Session {
  readonly host = { name: 'here', address: '127.0.0.1', labels: {} }
  readonly alive = true
  readonly home: string
  readonly bin: string
  /** target.path */
  readonly path: string
  readonly env: Record<string, string>

  constructor(
    readonly shell: Shell,
    path = 'app',
  ) {
    this.home = mkdtempSync(join(tmpdir(), 'deliver-agent-'))
    this.bin = join(this.home, 'bin')
    this.path = path
    this.env = { PATH: pathOf(shell, this.bin), HOME: this.home, USER: 'deploy', DELIVER_BOOT_GUARD: 'off' }
  }

  /** A path below target.path. */
  at(...parts: readonly string[]): string {
    return join(this.home, this.path, ...parts)
  }

  call(call: AgentCall, options: Partial<AgentCallOptions> = {}): Promise<Answer> {
    return callAgent(this, this.path, call, { timeout: 60_000, ...options })
  }

  exec(command: string, options: ExecOptions): Promise<Ended> {
    return new Promise((resolve) => {
      const child = spawn(join(this.bin, 'sh'), ['-c', command], {
        cwd: this.home,
        env: this.env,
        detached: true,
      })
      const kill = (): void => {
        // As sshd does: what still reads meets the end.
        child.stdin.destroy()
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
        resolve({ kind: 'lost', because: 'the connection was cut' })
      }
      const timer = setTimeout(kill, options.timeout)
      options.signal?.addEventListener('abort', kill, { once: true })
      child.stdout.on('data', (chunk: Buffer) => options.onStdout?.(chunk))
      child.stderr.on('data', (chunk: Buffer) => options.onStderr?.(chunk))
      const source = Buffer.isBuffer(options.stdin) ? Readable.from([options.stdin]) : options.stdin
      if (source === undefined) child.stdin.end()
      else pipeline(source, child.stdin, () => {})
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        resolve(signal === null ? { kind: 'exit', code: code ?? -1 } : { kind: 'signal', signal })
      })
    })
  }

  openTcp(): Promise<never> {
    return Promise.reject(new Error('not here'))
  }

  async close(): Promise<void> {
    await removeAll(this.home)
  }
}

type Define = (make: (path?: string) => LocalHost, shell: Shell) => void

/** Runs the tests once for each shell; one that isn't installed shows as skipped. */
export function onEachShell(define: Define): void {
  for (const each of shells) onShell(each, each.installed, define)
}

/** The same in the usual ones alone, unless DELIVER_LONG=1: for what takes long, and what staging and switching have shown there. */
export function onMostShells(define: Define, usual: readonly Shell[] = ['dash', 'busybox']): void {
  for (const each of shells)
    onShell(
      each,
      each.installed && (usual.includes(each.shell) || process.env['DELIVER_LONG'] === '1'),
      define,
    )
}

function onShell({ shell }: { readonly shell: Shell }, runs: boolean, define: Define): void {
  describe.skipIf(!runs)(`under ${shell}`, () => {
    const hosts: LocalHost[] = []
    afterEach(async () => {
      await Promise.all(hosts.splice(0).map((host) => host.close()))
    })
    define((path) => {
      const host = new LocalHost(shell, path)
      hosts.push(host)
      return host
    }, shell)
  })
}
