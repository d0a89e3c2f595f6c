/** Exit codes of the `deliver` command. Scripts rely on them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  locked: 3,
  partial: 4,
  rolledBack: 5,
  rollbackFailed: 6,
  noHosts: 7,
  precondition: 8,
  interrupted: 130,
  terminated: 143,
} as const

/**
 * Who must act: `usage` the caller (arguments or config), `precondition` the state of the repository, store or
 * hosts, `locked` another deploy, `noHosts` the fleet, `failed` anything else that stopped the work before a switch.
 */
export type ErrorKind = Exclude<keyof typeof exitCodes, 'done'>

export interface ErrorDetail {
  /** What to do next, as an instruction. */
  readonly fix?: string
  readonly cause?: unknown
  /** A person was asked, and said no. */
  readonly declined?: boolean
  /** It may pass by itself: the same may succeed a little later. */
  readonly transient?: boolean
}

/** An expected failure. The message says where and what is wrong; `fix` says what to do about it. */
export class DeliverError extends Error {
  override readonly name = 'DeliverError'
  readonly kind: ErrorKind
  readonly fix: string | undefined
  readonly declined: boolean
  readonly transient: boolean

  constructor(kind: ErrorKind, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.kind = kind
    this.fix = detail.fix
    this.declined = detail.declined === true
    this.transient = detail.transient === true
  }
}

/** The exit code for anything thrown; what is not a DeliverError is a defect of ours and counts as `failed`. */
export function exitCodeOf(error: unknown): number {
  return error instanceof DeliverError ? exitCodes[error.kind] : exitCodes.failed
}

/** The message of anything thrown, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The message with what to do about it, for places that show one text. */
export function adviceOf(error: unknown): string {
  const fix = error instanceof DeliverError ? error.fix : undefined
  return fix === undefined ? messageOf(error) : `${messageOf(error)}. ${fix}`.replaceAll('\n', ' ')
}
