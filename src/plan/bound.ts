import type { RolloutPlan } from './types.js'

/** The limits of a rollout's waits in ms; see execute/waits.ts. */
export interface Waits {
  /** What a restart may take, by the config. */
  readonly restart: number
  /** What a host has until it must be healthy. */
  readonly settle: number
  /** The most that each of these may take on one host with every lost connection, repeated call and look back. */
  readonly worst: { readonly stage: number; readonly switch: number; readonly return: number }
  /** What the user's own hooks, and the load balancer, may take: once, and with each batch. */
  readonly around: { readonly once: number; readonly batch: number }
  /** Staging is given up after so long without a byte. */
  readonly stageIdle: number
  /** Hosts that are staged at once, at the least. */
  readonly concurrency: number
}

/** How long a rollout may take, in ms, by its own limits. */
export interface Bound {
  readonly batches: number
  /** A batch whose restarts and health checks take all the time that the config gives them. */
  readonly batch: number
  /** All batches and the pauses between them, as long as hosts answer at once. */
  readonly switching: number
  /** Staging is given up on a host after so long without a byte; null when nothing is sent. */
  readonly stageIdle: number | null
  /** The total limit of staging, with every attempt; bytes must move all the time. 0 when nothing is sent. */
  readonly staging: number
  /** After staging, with everything that is waited for: hosts that stop answering, repeated calls, and all going back. */
  readonly worst: number
}

type Planned = Pick<RolloutPlan, 'steps' | 'batches' | 'pause' | 'onFailure' | 'canary'>

/** The longest that a plan can take. Fleet changes under way come on top: each host that joins is one more batch at most. */
export function boundOf(plan: Planned, waits: Waits): Bound {
  const batches = plan.batches.length
  const pauses = Math.max(0, batches - 1) * plan.pause + (batches > 0 ? (plan.canary?.bake ?? 0) : 0)
  const looks = plan.steps.some((step) => step.act === 'verify') ? waits.settle : 0
  const batch = waits.restart + waits.settle + waits.around.batch
  const sent = plan.steps.filter((step) => step.stage === 'send').length
  const staging = Math.ceil(sent / waits.concurrency) * waits.worst.stage
  const back =
    plan.onFailure === 'stop' || plan.onFailure === 'go-on'
      ? 0
      : batches * (waits.worst.return + waits.around.batch)
  return {
    batches,
    batch,
    switching: looks + batches * batch + pauses + waits.around.once,
    stageIdle: sent === 0 ? null : waits.stageIdle,
    staging,
    worst: looks + batches * (waits.worst.switch + waits.around.batch) + pauses + waits.around.once + back,
  }
}
