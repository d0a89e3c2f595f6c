import { endingOf } from '../plan/machine/ends.js'
import type { RolloutState } from '../plan/machine/state.js'
import type { Outcome } from '../plan/outcome.js'
import { hostState, type Run } from './run.js'

const states = {
  done: 'done',
  failed: 'failed',
  'rolled-back': 'rolled-back',
  'rollback-failed': 'failed',
  skipped: 'skipped',
  gone: 'gone',
} as const

/** Tells people where each host ends up, as it happens, and how long each was worked on. */
export class Ledger {
  readonly #run: Run
  readonly #started = new Map<string, number>()
  readonly #ended = new Map<string, number>()

  constructor(run: Run) {
    this.#run = run
  }

  /** Something is done to these hosts from now on. */
  begin(hosts: readonly string[]): void {
    for (const host of hosts) if (!this.#started.has(host)) this.#started.set(host, this.#run.clock.now())
  }

  /** Reports what an event changed. */
  note(before: RolloutState | undefined, after: RolloutState): void {
    for (const [name, { place }] of after.hosts) {
      if (before?.hosts.get(name)?.place === place) continue
      const ending = endingOf(after, name)
      if (ending === undefined) continue
      this.#ended.set(name, this.#run.clock.now())
      const detail = 'because' in ending ? ending.because : undefined
      hostState(this.#run, name, states[ending.kind], detail)
    }
  }

  /** One for each host, whatever happened. */
  outcomes(state: RolloutState): readonly Outcome[] {
    return [...state.hosts].map(([host, { step }]): Outcome => {
      const ended = this.#ended.get(host) ?? this.#run.clock.now()
      const ms = ended - (this.#started.get(host) ?? ended)
      const ending = endingOf(state, host) ?? {
        host,
        kind: 'skipped' as const,
        because: 'the rollout ended before',
        runs: step.from,
      }
      return { ...ending, ms }
    })
  }
}
