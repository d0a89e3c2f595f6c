import type { Waits } from '../plan/bound.js'
import type { Config } from '../config/types.js'
import { leastOf } from './adaptive-limit.js'
import { beyond, limits, readBack, sending } from './run.js'

/** Without a health check a process is watched this long; see settle.ts. */
const unchecked = 30_000
/** Attempts of a stage and ms between them, tries of a switch: see stage.ts and switch.ts. */
const stages = { attempts: 3, pause: 5_000 }
const switches = 2
/** A stage whose line was lost waits for the one before it; see stage-whole.ts. */
const lockWait = 900_000

/** All that a rollout with this config may wait for; `hooks` is what the user's own may take. */
export function waitsOf(config: Config, hooks: Waits['around']): Waits {
  const restart = config.service?.timeout ?? 0
  const settle = config.health?.deadline ?? unchecked
  const look = readBack.tries * limits.look + (readBack.tries - 1) * readBack.pause
  const withdrawing = readBack.tries * limits.change + (readBack.tries - 1) * readBack.pause
  const settling = settle + (config.health?.timeout ?? 0) + 2 * limits.look
  const confirming = switches * (limits.change + look)
  // Sent, read back twice, and asked for its end; in the end withdrawn.
  const switching =
    switches * (restart + limits.change + 2 * look + restart + 15_000 + limits.look) + withdrawing
  // Each attempt may send a delta first, and then the whole.
  const staging =
    stages.attempts * (3 * sending.timeout + 3 * beyond(limits.stage) + lockWait + stages.pause + limits.look)
  // Out of traffic, and back.
  const drained = config.rollout.drain.kind === 'none' ? 0 : 2 * config.rollout.drainTimeout
  return {
    restart,
    settle,
    worst: {
      stage: staging,
      switch: switching + settling + confirming,
      return: withdrawing + switching + settling + confirming + look,
    },
    around: { once: hooks.once, batch: hooks.batch + drained },
    stageIdle: sending.idleTimeout,
    concurrency: leastOf(config.ssh.concurrency),
  }
}
