import type { StoreStep, StoreTrial } from '../../check/facts.js'
import { troubleOf } from './looked.js'

/** Thrown by a trial whose answer is not what was promised. */
export class Wrong extends Error {}

export interface Trials {
  readonly trials: readonly StoreTrial[]
  /** Whether it went well. */
  readonly step: (name: StoreStep, work: () => Promise<void>) => Promise<boolean>
}

/** Runs trials one after the other and writes down what came of them. After one that got no answer, no other is tried. */
export function recordTrials(signal: AbortSignal): Trials {
  const trials: StoreTrial[] = []
  let silent = false
  return {
    trials,
    step: async (step, work) => {
      if (silent) return false
      signal.throwIfAborted()
      try {
        await work()
        trials.push({ step })
        return true
      } catch (error) {
        signal.throwIfAborted()
        const found = error instanceof Wrong ? { wrong: error.message } : { trouble: troubleOf(error) }
        silent = found.trouble?.kind === 'failed'
        trials.push({ step, ...found })
        return false
      }
    },
  }
}
