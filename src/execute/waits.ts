import type { Waits } from '../plan/bound.js'
import type { Config } from '../config/types.js'
import { limits, readBack } from './run.js'

/** Without a health check a process is watched this long; see settle.ts. */
const unchecked = 30_000
/** Attempts of a stage and ms between them, tries of a switch: see stage.ts and switch.ts. */
const stages = { attempts: 3, pause: 5_000 }
const switches = 2

/** All that a rollout with this config may wait for. */
export function waitsOf(config: Config): Waits {
  const restart = config.service?.timeout ?? 0
  const settle = config.health?.deadline ?? unchecked
  const look = readBack.tries * limits.look + (readBack.tries - 1) * readBack.pause
  const settling = settle + (config.health?.timeout ?? 0) + 2 * limits.look
  const confirming = switches * (limits.change + look)
  // Sent, read back twice, and asked for its end.
  const switching = switches * (restart + limits.change + 2 * look + restart + 15_000 + limits.look)
  const staging = stages.attempts * (2 * limits.send + 2 * limits.stage + stages.pause + limits.look)
  return {
    restart,
    settle,
    worst: {
      stage: staging,
      switch: switching + settling + confirming,
      return: look + switching + settling + confirming + look,
    },
    stageIdle: limits.sendIdle,
    concurrency: config.ssh.concurrency,
  }
}
