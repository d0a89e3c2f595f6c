import { startProcess } from '../../process.js'
import type { ProcessEnd } from '../../process.js'
import { DeliverError } from '../../../errors.js'

/** More than any answer of ssh has. */
const longestAnswer = 1024 * 1024

export interface SshRun {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

export interface SshAnswer {
  readonly end: ProcessEnd
  readonly stdout: string
  readonly stderr: string
}

/** Runs the system's ssh to its end. Rejects with the signal's reason, or where there is no ssh. */
export async function runSsh({ args, env, timeout, signal }: SshRun): Promise<SshAnswer> {
  // A program that goes to the background, as a master does, may leave its pipes to others.
  const child = startProcess({
    command: 'ssh',
    args,
    cwd: '/',
    env: sshEnvironment(env),
    timeout,
    signal,
    drain: 200,
  })
  const outputs = Promise.all([textOf(child.stdout), textOf(child.stderr)])
  const end = await child.ended
  signal?.throwIfAborted()
  if (end.kind === 'not-started') throw notStarted(end)
  const [stdout, stderr] = await outputs
  return { end, stdout, stderr }
}

async function textOf(source: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  await new Promise<void>((resolve) => {
    source.on('data', (chunk: Buffer) => {
      if (size < longestAnswer) chunks.push(chunk)
      size += chunk.length
    })
    source.on('error', () => resolve())
    source.on('close', () => resolve())
  })
  return Buffer.concat(chunks).subarray(0, longestAnswer).toString()
}

function notStarted(end: Extract<ProcessEnd, { kind: 'not-started' }>): DeliverError {
  const what = end.missing ? 'there is no ssh in the PATH' : `ssh could not be started: ${end.because}`
  return new DeliverError('failed', `ssh.client: ${what}`, {
    fix: "Install OpenSSH's client, or set ssh.client to 'ssh2' if the ssh config needs nothing that only OpenSSH has.",
  })
}

/**
 * Jenkins ends processes that carry its marks when a build is aborted, children first. A connection must outlive that, so that
 * deliver can bring its hosts to a good end by it. It ends itself when deliver is gone.
 */
const marks = [
  'BUILD_ID',
  'JENKINS_SERVER_COOKIE',
  'JENKINS_NODE_COOKIE',
  'HUDSON_SERVER_COOKIE',
  'HUDSON_COOKIE',
]

export function sshEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  const kept = Object.entries(env).filter(([name]) => !marks.includes(name))
  return { PATH: '/usr/local/bin:/usr/bin:/bin', ...Object.fromEntries(kept), LC_ALL: 'C' }
}

/** The version as `9.2` is 9.2; undefined for another ssh than OpenSSH. */
export async function sshVersion(env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<number | undefined> {
  const { stderr } = await runSsh({ args: ['-V'], env, timeout: 10_000, signal })
  const [, version] = /OpenSSH_(?:for_Windows_)?(\d+\.\d+)/.exec(stderr) ?? []
  return version === undefined ? undefined : Number(version)
}
