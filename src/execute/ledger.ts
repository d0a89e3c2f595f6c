import type { Outcome } from '../plan/outcome.js'
import type { Member } from './fleet-watch.js'
import { hostState, type Run } from './run.js'

type Entry = Outcome extends infer O ? (O extends Outcome ? Omit<O, 'host' | 'ms'> : never) : never

const states = {
  done: 'done',
  failed: 'failed',
  'rolled-back': 'rolled-back',
  'rollback-failed': 'failed',
  skipped: 'skipped',
  gone: 'gone',
} as const

/** One outcome per host, whatever happens to it; a later one replaces an earlier (done, then rolled back). */
export class Ledger {
  readonly #run: Run
  readonly #started: number
  readonly #outcomes = new Map<string, Outcome>()

  constructor(run: Run) {
    this.#run = run
    this.#started = run.clock.now()
  }

  get outcomes(): readonly Outcome[] {
    return [...this.#outcomes.values()]
  }

  /** Names of the hosts that failed so far. */
  get failures(): readonly string[] {
    return this.outcomes.filter((outcome) => outcome.kind === 'failed').map((outcome) => outcome.host)
  }

  settle(host: string, entry: Entry): void {
    this.#outcomes.set(host, { host, ms: this.#run.clock.now() - this.#started, ...entry })
    const detail = 'because' in entry ? entry.because : undefined
    hostState(this.#run, host, states[entry.kind], detail)
  }

  fail(member: Member, because: string, { switched }: { readonly switched: boolean }): void {
    const runs = switched ? undefined : member.step.from
    this.settle(member.step.host, { kind: 'failed', because, runs, switched })
  }

  /** For a host of which nothing more is known. */
  failHost(host: string, because: string): void {
    this.settle(host, { kind: 'failed', because, runs: undefined, switched: false })
  }

  rollbackFailed(member: Member, because: string): void {
    this.settle(member.step.host, { kind: 'rollback-failed', because, runs: undefined })
  }
}
