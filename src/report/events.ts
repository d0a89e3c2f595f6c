/**
 * What happens during a command, as data. Only reporters turn these into text. Every event is safe to write as JSON and carries
 * no secret; `host` is a host's name.
 */
export type DeliverEvent =
  | { readonly type: 'note'; readonly host?: string; readonly text: string }
  | { readonly type: 'warning'; readonly host?: string; readonly text: string }
  /** A line of output of a child process or remote command. */
  | {
      readonly type: 'output'
      readonly host?: string
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
  | 'activating'
  | 'settling'
  | 'done'
  | 'failed'
  | 'rolling-back'
  | 'rolled-back'
  | 'skipped'
  | 'gone'

export interface Cell {
  readonly text: string
  readonly tone?: 'good' | 'bad' | 'dim' | 'strong'
}

/** Takes events. Never throws, never waits: a slow or closed terminal must not slow a deploy. */
export interface Reporter {
  event(event: DeliverEvent): void
  /** Writes what is still buffered; bounded in time. */
  close(): Promise<void>
}
