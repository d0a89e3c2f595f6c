import { fleetPoints, hostPoints, type Hook, type HookPoint, type HooksConfig } from '../config/hooks.js'

type Kind = 'deploy' | 'rollback'

const perBatch: ReadonlySet<HookPoint> = new Set<HookPoint>(['beforeBatch', 'afterBatch', ...hostPoints])

/** The hooks that a rollout would run when all goes well, and those of a failure, in words. */
export function hooksOf(hooks: HooksConfig | undefined, kind: Kind): readonly string[] {
  return pointsOf(kind).flatMap((point) =>
    (hooks?.[point] ?? []).map((hook) => `${point}: ${whatRuns(hook)}`),
  )
}

/** How long they may take in ms: once, and with each batch, whose hosts run theirs at the same time. */
export function timeOfHooks(
  hooks: HooksConfig | undefined,
  kind: Kind,
): { readonly once: number; readonly batch: number } {
  const time = (points: readonly HookPoint[]): number =>
    points.flatMap((point) => hooks?.[point] ?? []).reduce((sum, hook) => sum + hook.timeout, 0)
  const points = pointsOf(kind)
  return {
    once: time(points.filter((point) => !perBatch.has(point))),
    batch: time(points.filter((point) => perBatch.has(point))),
  }
}

/** In the order in which they come. */
function pointsOf(kind: Kind): readonly HookPoint[] {
  const other: readonly HookPoint[] =
    kind === 'deploy' ? ['beforeRollback', 'afterRollback'] : ['beforeRollout', 'afterRollout']
  return [...fleetPoints, ...hostPoints].filter((point) => !other.includes(point))
}

function whatRuns({ name, on }: Hook): string {
  return on === 'local' ? name : `${name} (on ${on === 'hosts' ? 'each host' : 'the first host'})`
}
