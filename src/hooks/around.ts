import type { Config } from '../config/types.js'
import type { Hook, HookPoint } from '../config/hooks.js'

type Kind = 'deploy' | 'rollback'

const ofHosts: readonly HookPoint[] = [
  'beforeHost',
  'beforeActivate',
  'afterActivate',
  'beforeSettle',
  'afterSettle',
  'afterHost',
]
const perBatch: ReadonlySet<HookPoint> = new Set<HookPoint>(['beforeBatch', 'afterBatch', ...ofHosts])

type Around = Pick<Config, 'hooks' | 'rollout'>

/** What a rollout would run of the config's own when all goes well, and the hooks of a failure, in words. */
export function whatRuns({ hooks, rollout }: Around, kind: Kind): readonly string[] {
  const migrates = rollout.migrate !== undefined && kind === 'deploy'
  return [
    ...pointsOf(kind).flatMap((point) => (hooks?.[point] ?? []).map((hook) => `${point}: ${inWords(hook)}`)),
    ...(migrates ? ['migrate (on one host, before any switches, unless it was done for the release)'] : []),
  ]
}

/** How long that may take in ms: once, and with each batch, whose hosts run theirs at the same time. */
export function timeAround(
  { hooks, rollout }: Around,
  kind: Kind,
): { readonly once: number; readonly batch: number } {
  const time = (points: readonly HookPoint[]): number =>
    points.flatMap((point) => hooks?.[point] ?? []).reduce((sum, hook) => sum + hook.timeout, 0)
  const points = pointsOf(kind)
  const migration = kind === 'deploy' ? (rollout.migrate?.timeout ?? 0) : 0
  return {
    once: migration + time(points.filter((point) => !perBatch.has(point))),
    batch: time(points.filter((point) => perBatch.has(point))),
  }
}

/** In the order in which they come, those of a failure last. */
function pointsOf(kind: Kind): readonly HookPoint[] {
  const [before, after] =
    kind === 'deploy'
      ? (['beforeRollout', 'afterRollout'] as const)
      : (['beforeRollback', 'afterRollback'] as const)
  return ['beforeStage', 'afterStage', before, 'beforeBatch', ...ofHosts, 'afterBatch', after, 'onFailure']
}

function inWords({ name, on }: Hook): string {
  return on === 'local' ? name : `${name} (on ${on === 'hosts' ? 'each host' : 'the first host'})`
}
