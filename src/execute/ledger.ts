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
  readonly #worked = new Map<string, number>()

  constructor(run: Run) {
    this.#run = run
  }

  /** Work on one host. Time in which it only waits for others isn't counted. */
  async time<T>(host: string, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#run
    const started = clock.now()
    try {
      return await work()
    } finally {
      this.#worked.set(host, (this.#worked.get(host) ?? 0) + clock.now() - started)
    }
  }

  /** Reports what an event changed. */
  note(before: RolloutState | undefined, after: RolloutState): void {
    for (const [name, { place }] of after.hosts) {
      if (before?.hosts.get(name)?.place === place) continue
      const ending = endingOf(after, name)
      if (ending === undefined) continue
      const detail = 'because' in ending ? ending.because : undefined
      hostState(this.#run, name, states[ending.kind], detail)
    }
  }

  /** One for each host, whatever happened. */
  outcomes(state: RolloutState): readonly Outcome[] {
    return [...state.hosts].map(([host, { step }]): Outcome => {
      const ms = this.#worked.get(host) ?? 0
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
