/** What hosts tell, typed. The readers are in readings.ts. */

export interface Unconfirmed {
  readonly id: string
  readonly release: string
  /** What a revert goes back to; undefined: nothing ran before. */
  readonly previous?: string
}

export type Current =
  | { readonly kind: 'none' }
  | { readonly kind: 'release'; readonly release: string }
  /** A directory, a file, or a link to somewhere else. */
  | { readonly kind: 'foreign'; readonly what: string }

/** Something that stands in the way of a deploy, with what to do about it. Codes are listed in agent/55-probe.sh. */
export interface HostProblem {
  readonly code: string
  readonly text: string
}

export interface HostRelease {
  readonly release: string
  /** sha256 of its listing. */
  readonly digest: string
  readonly mark?: 'good' | 'bad'
}

export interface HostState {
  readonly current: Current
  /** Confirmed releases, the newest confirmation last. */
  readonly good: readonly string[]
  readonly unconfirmed?: Unconfirmed
  /** How the last confirmed switch came about. */
  readonly via?: 'deploy' | 'rollback'
}

export type GuardSurvives = 'reboot' | 'session' | 'none'

/** Why a guard doesn't outlive a reboot: it was chosen so, the path can't stand in a unit or crontab, or nothing starts it at boot. */
export type GuardEnds = 'off' | 'path' | 'boot'

export interface HostFacts extends HostState {
  /** Of the agent's protocol. */
  readonly version: string
  /** target.path, absolute, as the host sees it. */
  readonly path: string
  readonly hostname: string
  /** The cloud's id of this server, where its boot left one. */
  readonly instance?: string
  /** The host's clock in ms since 1970, whole seconds. */
  readonly clock: number
  readonly user: { readonly id: number; readonly name: string }
  /** Complete releases. */
  readonly releases: readonly HostRelease[]
  /** The largest fence this host has seen; 0: none. */
  readonly fence: number
  /** The last switch that was undone: to what, and what ran before and again. */
  readonly reverted?: { readonly release: string; readonly previous: string }
  /** Undefined: the file system doesn't tell (or, for inodes, has no limit). */
  readonly freeBytes?: number
  readonly freeInodes?: number
  readonly tools: ReadonlySet<string>
  /** How long an unconfirmed switch is guarded on this host: until it reboots (`session`), or beyond; `none`: not at all. */
  readonly guardSurvives?: GuardSurvives
  readonly guardEnds?: GuardEnds
  readonly problems: readonly HostProblem[]
}

export interface ServiceFacts {
  readonly active?: boolean
  /** The manager's own word: `active`, `failed`, `stop/waiting`. */
  readonly state?: string
  readonly pid?: number
  /** Start of that process, in a unit of the host; equal with equal pid means the same process. */
  readonly started?: string
  /** Seconds since that process started. */
  readonly uptime?: number
  readonly restarts?: number
  readonly cwd?: string
  /** The release that the process' directory is in. */
  readonly release?: string
  /** Whether anybody listens on the port that was asked about. */
  readonly listening?: boolean
  /** Who does, of the processes that we may look into. */
  readonly listener?: Listener
}

export interface Listener {
  readonly pid: number
  /** Its program, as the host calls it. */
  readonly name?: string
  /** Whether it is the service, or of it. Undefined: the service's manager doesn't tell its processes. */
  readonly belongs?: boolean
  /** The release that its directory is in. */
  readonly release?: string
}

export interface HostStatus extends HostState {
  /** Complete releases. */
  readonly releases: readonly HostRelease[]
  /** The newest good release other than the current one. */
  readonly previousGood?: string
  readonly service: ServiceFacts
}

export interface JournalLine {
  readonly time: number
  readonly fence: number
  readonly verb: string
  readonly release?: string
  readonly result: string
}

/** `previous` undefined: nothing ran before. `already`: there was nothing left to do. */
export interface SwitchFacts {
  readonly previous?: string
  readonly restarted: boolean
  readonly already: boolean
  /** A file of the release that somebody changed on the host since it was staged. */
  readonly altered?: string
}
