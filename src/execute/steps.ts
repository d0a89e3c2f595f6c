import { adviceOf } from '../errors.js'
import type { Outcome } from '../plan/outcome.js'
import type { HostStep } from '../plan/types.js'
import type { RunHost } from './run.js'

/**
 * Where something of the user's own may run around what a rollout does:
 * - `stage`: all hosts that are staged together; hosts that join later are staged in a call of their own
 * - `rollout`: from the first switch to the last, when all are staged; in a `deliver rollback` this point is `rollback`
 * - `batch`: one batch, with taking it out of traffic and bringing it back
 * - `host`, `activate`, `settle`: one host. `settle` ends before the switch is confirmed, `host` after it
 * - `rollback`: all hosts that go back, by the failure policy or by hand
 */
export type Point = 'stage' | 'rollout' | 'batch' | 'host' | 'activate' | 'settle' | 'rollback'

export interface StepHost {
  readonly host: RunHost
  readonly step: HostStep
}

export interface StepContext {
  readonly kind: 'deploy' | 'rollback'
  /** Of the whole run; the release of one host is in its step. */
  readonly release: string
  /** Those that this step is about: one for the points of a host. */
  readonly hosts: readonly StepHost[]
  /** For `batch`, and the points within one. */
  readonly batch?: { readonly number: number; readonly of: number }
}

export interface FailureContext extends StepContext {
  readonly because: string
  readonly outcomes: readonly Outcome[]
}

/** Awaited around the steps of a rollout. Messages of rejections are shown to people. */
export interface Steps {
  /** A rejection: the step isn't begun, and counts as failed for all of its hosts. */
  before(point: Point, context: StepContext): Promise<void>
  /** Only after a step that the rollout goes on from. A rejection: it failed after all, for all of its hosts. */
  after(point: Point, context: StepContext): Promise<void>
  /** Once, at the end of a rollout in which something failed. A rejection is a warning. */
  failure(context: FailureContext): Promise<void>
}

const nothing = (): Promise<void> => Promise.resolve()

export const noSteps: Steps = { before: nothing, after: nothing, failure: nothing }

/** Why something that was run around a step speaks against it; undefined when nothing does. */
export function objection(step: Promise<void>): Promise<string | undefined> {
  return step.then(
    () => undefined,
    (error: unknown) => adviceOf(error),
  )
}
