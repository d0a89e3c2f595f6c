/**
 * What happens during a command, as data. Only reporters turn these into text. Every event is safe to write as JSON and carries
 * no secret; `host` is a host's name.
 */
export type DeliverEvent =
  /** The first event: which command, and of which version of deliver. */
  | { readonly type: 'run-started'; readonly command: string; readonly version: string }
  /** What the config says, as far as none of it can be a secret. */
  | {
      readonly type: 'config'
      readonly app: string
      readonly environment: string
      readonly settings: readonly ShownSetting[]
    }
  | { readonly type: 'note'; readonly host?: string; readonly text: string }
  | { readonly type: 'warning'; readonly host?: string; readonly text: string }
  /** A line of output of a child process or remote command. `of` tells the lines of a service's log from the others. */
  | {
      readonly type: 'output'
      readonly host?: string
      readonly of?: 'service-log'
      readonly stream: 'stdout' | 'stderr'
      readonly line: string
    }
  /** What was asked of a host: output of a command, lines of a log. With a title the lines are one block under it. */
  | {
      readonly type: 'host-lines'
      readonly host: string
      readonly title?: string
      readonly lines: readonly string[]
    }
  /** A step of the command as a whole: "setup", "archive", "rollout". */
  | { readonly type: 'step-started'; readonly step: string; readonly detail?: string }
  | { readonly type: 'step-done'; readonly step: string; readonly detail?: string; readonly ms: number }
  /** What a rollout will do, before any of it is done. */
  | ({ readonly type: 'plan' } & ShownPlan)
  /** A release is sent to a host: how many bytes, and on which release they build if they are a delta. */
  | {
      readonly type: 'transfer'
      readonly host: string
      readonly release: string
      readonly bytes: number
      readonly encoding: string
      readonly base?: string
    }
  /** How far a step is; `stage` and `publish` count bytes. */
  | {
      readonly type: 'progress'
      readonly host?: string
      readonly step: string
      readonly done: number
      readonly total: number
    }
  | {
      readonly type: 'host-state'
      readonly host: string
      readonly state: HostState
      readonly detail?: string
    }
  | {
      readonly type: 'batch-started'
      readonly batch: number
      readonly of: number
      readonly hosts: readonly string[]
    }
  | { readonly type: 'batch-done'; readonly batch: number; readonly of: number; readonly ms: number }
  /**
   * An answer to the question whether a host is healthy. Of the bad ones that repeat themselves only some are told. `streak`
   * good answers in a row so far of `successes`, over `uptime` of `minUptime` ms.
   */
  | {
      readonly type: 'probe'
      readonly host: string
      readonly release: string
      readonly ok: boolean
      readonly because?: string
      readonly streak: number
      readonly successes: number
      readonly uptime: number
      readonly minUptime: number
    }
  /** What became of a host in the end; one for each. `runs` is null for nothing, and lacking when nobody could read it. */
  | {
      readonly type: 'outcome'
      readonly host: string
      readonly outcome: HostOutcome
      readonly because?: string
      readonly runs?: string | null
      readonly ms: number
    }
  | {
      readonly type: 'table'
      readonly title?: string
      readonly columns: readonly string[]
      readonly rows: readonly (readonly Cell[])[]
    }
  /** What a check has seen, in an order that makes sense to people. */
  | { readonly type: 'findings'; readonly findings: readonly ReportedFinding[] }
  /** The last event of a command that ran to its end: one sentence, and the exit code. */
  | {
      readonly type: 'result'
      readonly ok: boolean
      readonly code: number
      readonly text: string
      readonly fix?: string
      readonly data?: unknown
    }

/** See check/finding.ts. */
export interface ReportedFinding {
  readonly level: 'ok' | 'warning' | 'problem'
  readonly area: string
  readonly host?: string
  readonly text: string
  readonly fix?: string
}

export type HostState =
  | 'connecting'
  | 'probing'
  | 'staging'
  | 'staged'
  | 'draining'
  | 'activating'
  | 'settling'
  | 'watching'
  | 'rejoining'
  | 'done'
  | 'failed'
  | 'rolling-back'
  | 'rolled-back'
  | 'skipped'
  | 'gone'

/** `unchanged`: it ran the release already. */
export type HostOutcome =
  'done' | 'unchanged' | 'failed' | 'rolled-back' | 'rollback-failed' | 'skipped' | 'gone'

export interface ShownSetting {
  /** Like `rollout.onFailure`. */
  readonly path: string
  readonly value: string
}

/** A plan, its times in ms; see plan/types.ts and plan/bound.ts. */
export interface ShownPlan {
  readonly kind: 'deploy' | 'rollback'
  readonly release: string
  readonly onFailure: string
  readonly batchLimit: number
  readonly pause: number
  readonly batches: readonly (readonly string[])[]
  readonly hosts: readonly ShownStep[]
  /** Hosts that need nothing. */
  readonly skipped: readonly {
    readonly host: string
    readonly because: string
    readonly runs: string | null
  }[]
  readonly bound: {
    readonly batches: number
    readonly batch: number
    readonly switching: number
    readonly stageIdle: number | null
    readonly staging: number
    readonly worst: number
  }
}

export interface ShownStep {
  readonly host: string
  readonly from: string | null
  readonly to: string
  readonly stage: 'present' | 'send'
  readonly act: 'activate' | 'verify'
  readonly because: string
}

export interface Cell {
  readonly text: string
  readonly tone?: 'good' | 'bad' | 'dim' | 'strong'
}

/** Takes events. Never throws, never waits: a slow or closed terminal must not slow a deploy. */
export interface Reporter {
  event(event: DeliverEvent): void
  /** Writes what is still buffered; bounded in time. */
  close(): Promise<void>
  /** The process is about to end, whatever was still to come: leaves terminal and files whole, without waiting. */
  abandon?(code: number): void
  /** Runs something that talks to a person, with the terminal to itself. */
  suspended?<T>(work: () => Promise<T>): Promise<T>
}
