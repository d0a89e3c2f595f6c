import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import type { ServerChannel } from 'ssh2'
import { messageOf } from '../errors.js'
import { ChannelOutput } from './channel-output.js'

export interface CommandPlace {
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

/** A command that runs on behalf of a channel. */
export interface RunningCommand {
  /** Sends a signal, named as SSH does (`TERM`), to the command's process group. Unknown names are ignored. */
  kill(signal: string): void
  /** The client has gone: its pipes close, the command goes on, as with OpenSSH without a terminal. */
  detach(): void
  /** Resolves when the command itself has ended; what it left in the background may live. */
  readonly ended: Promise<void>
}

/** Names of signals that an SSH exit-signal message may carry (RFC 4254, section 6.10). */
const sshSignals = 'ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2'.split(' ')

/**
 * Runs a command line by a real /bin/sh, as sshd does: own session and process group, the exit status sent when the
 * command ends, the channel closed when the last process that holds its output has closed it.
 */
export function runCommand(channel: ServerChannel, command: string, place: CommandPlace): RunningCommand {
  // Errors of a channel (writes after its end) have no one left to tell.
  channel.on('error', () => {})
  channel.stderr.on('error', () => {})
  let child: ChildProcess
  try {
    child = spawn('/bin/sh', ['-c', command], {
      cwd: place.directory,
      env: place.environment,
      detached: true,
    })
  } catch (error) {
    return refuse(channel, error) // a NUL byte in the command, or too long
  }
  const { stdin, stdout, stderr } = child
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      refuse(channel, error)
      resolve()
    })
    child.once('exit', (code, signal) => {
      sendExit(channel, code, signal)
      resolve()
    })
  })
  // No pipes: out of file descriptors, 'error' follows.
  if (!stdin || !stdout || !stderr) return { ended, kill: () => {}, detach: () => {} }

  const output = new ChannelOutput(channel)
  feed(channel, stdin)
  void Promise.all([ended, pump(stdout, output, 'stdout'), pump(stderr, output, 'stderr')]).then(() =>
    channel.end(),
  )
  return {
    ended,
    kill: (signal) => {
      if (sshSignals.includes(signal)) killGroup(child.pid, `SIG${signal}`)
    },
    detach: () => {
      channel.unpipe(stdin)
      channel.resume()
      stdin.end()
      stdout.destroy()
      stderr.destroy()
    },
  }
}

/** The client's input, with back-pressure, and then end of file. What the command doesn't read is thrown away. */
function feed(channel: ServerChannel, stdin: Writable): void {
  stdin.on('error', () => {}) // EPIPE: the command closed its input; 'close' follows
  stdin.once('close', () => {
    channel.unpipe(stdin)
    channel.resume()
  })
  channel.pipe(stdin)
}

async function pump(source: Readable, output: ChannelOutput, stream: 'stdout' | 'stderr'): Promise<void> {
  try {
    for await (const chunk of source) if (Buffer.isBuffer(chunk)) await output.write(stream, chunk)
  } catch {
    // Destroyed by detach.
  }
}

function sendExit(channel: ServerChannel, code: number | null, signal: NodeJS.Signals | null): void {
  if (signal === null) return channel.exit(code ?? 255)
  const name = signal.replace(/^SIG/, '')
  if (sshSignals.includes(name)) channel.exit(name, false, '')
  else channel.exit(128 + constants.signals[signal])
}

function refuse(channel: ServerChannel, error: unknown): RunningCommand {
  channel.stderr.write(`sandbox: the command can't be started: ${messageOf(error)}\n`)
  channel.exit(127)
  channel.end()
  return { ended: Promise.resolve(), kill: () => {}, detach: () => {} }
}

function killGroup(pid: number | undefined, signal: string): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}
