import type { HookPoint, HookValues } from '../config/hooks.js'
import type { FailureContext, Point, StepContext, Steps } from '../execute/steps.js'
import { exitCodes } from '../errors.js'
import { verdictOf } from '../plan/outcome.js'
import { previousOf, runHooks, type HookWorld } from './run-hooks.js'

export interface RolloutHooks extends HookWorld {
  /** What the pointer named when the command began. */
  readonly previous: string | undefined
  /** The commit that a release was built from, where that is known. */
  readonly commitOf: (release: string) => string | undefined
  readonly stop: AbortSignal
  readonly lost: AbortSignal
  /** After `beforeRollout`, before the first host of a deploy switches. A rejection ends the deploy with nothing switched. */
  readonly migrate?: ((context: StepContext) => Promise<void>) | undefined
}

const before = {
  stage: 'beforeStage',
  rollout: 'beforeRollout',
  batch: 'beforeBatch',
  host: 'beforeHost',
  activate: 'beforeActivate',
  settle: 'beforeSettle',
  rollback: 'beforeRollback',
} as const

const after = {
  stage: 'afterStage',
  rollout: 'afterRollout',
  batch: 'afterBatch',
  host: 'afterHost',
  activate: 'afterActivate',
  settle: 'afterSettle',
  rollback: 'afterRollback',
} as const

/** Steps that an interrupt ends; what was begun on a host, and the way back, is finished. */
const stoppable: ReadonlySet<Point> = new Set(['stage', 'rollout', 'batch'])
const ofOneHost: ReadonlySet<Point> = new Set(['host', 'activate', 'settle'])
const never = new AbortController().signal

/** The hooks of the config around the steps of a rollout. */
export function hookSteps(world: RolloutHooks): Steps {
  return {
    async before(point, context) {
      await runHooks(world, {
        values: valuesAt(world, before[point], point, context),
        hosts: context.hosts,
        staged: point !== 'stage',
        signal: signalAt(world, point),
      })
      if (point === 'rollout' && context.kind === 'deploy') await world.migrate?.(context)
    },
    async after(point, context) {
      await runHooks(world, {
        values: { ...valuesAt(world, after[point], point, context), outcome: 'done' },
        hosts: context.hosts,
        staged: true,
        signal: signalAt(world, point),
      })
    },
    async failure(context) {
      await runHooks(world, {
        values: {
          ...valuesAt(world, 'onFailure', undefined, context),
          outcome: endOf(context),
          because: context.because,
        },
        hosts: context.hosts,
        // Staging may be what failed.
        staged: false,
        signal: never,
      })
    },
  }
}

/** A stop that came before doesn't end what runs because of it. */
function signalAt({ stop, lost }: RolloutHooks, point: Point): AbortSignal {
  return stoppable.has(point) && !stop.aborted ? AbortSignal.any([stop, lost]) : lost
}

function valuesAt(
  world: RolloutHooks,
  hookPoint: HookPoint,
  point: Point | undefined,
  { kind, release, hosts, batch }: StepContext,
): HookValues {
  const { config, previous } = world
  const single = point !== undefined && ofOneHost.has(point) ? hosts[0] : undefined
  const named = single?.step.to ?? release
  const commit = world.commitOf(named)
  return {
    point: hookPoint,
    app: config.app,
    environment: config.environment,
    command: kind,
    release: named,
    ...(single !== undefined ? previousOf(single) : previous === undefined ? {} : { previous }),
    ...(commit === undefined ? {} : { commit }),
    ...(config.target === undefined ? {} : { path: config.target.path }),
    hosts: hosts.map(({ host }) => host.name),
    ...(single === undefined ? {} : { host: single.host.name }),
    ...(batch === undefined ? {} : { batch }),
  }
}

/** As the exit codes are named: failed, partial, rolledBack, rollbackFailed. */
function endOf({ release, outcomes }: FailureContext): string {
  const { code } = verdictOf(release, outcomes)
  return Object.entries(exitCodes).find(([, value]) => value === code)?.[0] ?? 'failed'
}
