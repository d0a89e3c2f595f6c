import { createMachineLoad } from '../adapters/machine-load.js'
import type { Config } from '../config/types.js'
import { adaptiveTurns, fixedTurns, type Turns } from '../execute/parallel.js'

/** A config is loaded once for a run, so what its steps learn of this machine is theirs together. */
const known = new WeakMap<Config, Turns>()

/** How many hosts are worked on at once with this config. */
export function turnsOf(config: Config): Turns {
  const { concurrency } = config.ssh
  const turns =
    known.get(config) ??
    (concurrency === 'auto' ? adaptiveTurns(createMachineLoad()) : fixedTurns(concurrency))
  known.set(config, turns)
  return turns
}
