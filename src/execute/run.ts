import type { Config, FileMode, TargetConfig } from '../config/types.js'
import type { Clock } from '../ports.js'
import type { HostState, Reporter } from '../report/events.js'
import type { HostLink } from './link.js'
import type { Turns } from './parallel.js'
import type { Steps } from './steps.js'

/** What all steps of one rollout share. */
export interface Run {
  /** Names this run's switches on the hosts. `[A-Za-z0-9._-]`, never used before. */
  readonly id: string
  readonly fence: number
  readonly config: Config
  readonly target: TargetConfig
  readonly clock: Clock
  readonly reporter: Reporter
  /** Aborts when somebody asked to stop: nothing new is begun, what was begun on a host is finished. */
  readonly stop: AbortSignal
  /** Aborts when the lock is no longer ours: nothing more may be changed. */
  readonly lost: AbortSignal
  /** The files that each release gets on a host, with their secrets; read when they are first needed. */
  readonly files?: () => Promise<readonly HostFile[]>
  /** What is run around the steps. */
  readonly steps: Steps
  /** How many hosts are worked on at once. */
  readonly turns: Turns
}

/** A file of values and secrets, ready to be written. */
export interface HostFile {
  /** In the release. */
  readonly path: string
  readonly mode: FileMode
  readonly content: Buffer
}

/** What of each release leads out of it. */
export function linkedPaths({ shared, files = [] }: TargetConfig): {
  readonly shared: readonly string[]
  readonly files: readonly string[]
} {
  return { shared, files: files.map(({ path }) => path) }
}

/** Paths whose content in a release counts for nothing on a host. */
export function outsidePaths(target: TargetConfig): readonly string[] {
  const { shared, files } = linkedPaths(target)
  return [...shared, ...files]
}

/** A host of the run and our line to it. */
export interface RunHost {
  readonly name: string
  readonly link: HostLink
}

export function hostState(run: Run, host: string, state: HostState, detail?: string): void {
  run.reporter.event({ type: 'host-state', host, state, ...(detail === undefined ? {} : { detail }) })
}

/** Time limits of agent calls in ms. Each is a bound for the worst case, not a guess of the usual one. */
export const limits = {
  /** Calls that only look. */
  look: 30_000,
  /** Short mutations, with the agent's own 60 s wait for the host's lock. */
  change: 120_000,
  /** Unpacking and hashing a release, or removing old ones. */
  stage: 30 * 60_000,
  /** Sending: any time, as long as bytes move. */
  send: 6 * 60 * 60_000,
  sendIdle: 60_000,
} as const

/** What the host ends by itself gets its answer through before we give up: waiting for the lock and killing come on top. */
export const beyond = (hostLimit: number): number => hostLimit + limits.change

/** Limits of a call with a payload. While the host waits for its lock, a minute at most, no byte moves either. */
export const sending = {
  timeout: beyond(limits.send),
  idleTimeout: limits.sendIdle + 30_000,
} as const

/** Reading a host back after the line went: tries, and ms between them. A rebooting host gets that long. */
export const readBack = { tries: 6, pause: 5_000 } as const

/** A restart's own limit, the 10 s until it is killed, and the wait for the host's lock. */
export function switchLimit(run: Run): number {
  return (run.config.service?.timeout ?? 0) + limits.change
}

/** Milliseconds after which a host that nobody confirms goes back: later than any healthy rollout would confirm it. */
export function guardTime(run: Run): number {
  const { rollout, service, health } = run.config
  if (rollout.onFailure === 'stop') return 0
  return rollout.guard ?? (service?.timeout ?? 0) + (health?.deadline ?? 30_000) + 60_000
}
