import { createMachineLoad } from '../dist/adapters/machine-load.js'
import { adaptiveTurns, fixedTurns } from '../dist/execute/parallel.js'

/** As `ssh.concurrency` has them: `auto`, or a number. */
export function turnsOf(concurrency) {
  return concurrency === 'auto' ? adaptiveTurns(createMachineLoad()) : fixedTurns(Number(concurrency))
}
