import { DeliverError } from '../errors.js'
import { probeHost, type Probed } from '../execute/facts.js'
import { FleetWatch, type Member } from '../execute/fleet-watch.js'
import { openMaterial, type ReleaseMaterial } from '../execute/material.js'
import { executeRollout, type RolloutEnd } from '../execute/rollout.js'
import { stepTo } from '../plan/deploy.js'
import { stillChosen } from '../plan/select.js'
import type { RolloutPlan } from '../plan/types.js'
import type { Host } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import type { CommandContext } from './context.js'
import type { Intent } from './rollout-command.js'
import type { RolloutOptions } from './rollout-options.js'
import type { RolloutSession } from './rollout-session.js'

type Unfit = Extract<Probed, { kind: 'unfit' }>
type Ready = Extract<Probed, { kind: 'ready' }>

export interface Execution {
  readonly intent: Intent
  readonly plan: RolloutPlan
  readonly ready: readonly Ready[]
  /** Those that the rollout goes on without. */
  readonly unfit: readonly Unfit[]
  readonly hosts: readonly Host[]
}

/** Executes a plan with what the session has. */
export async function runPlan(
  context: CommandContext,
  session: RolloutSession,
  options: RolloutOptions,
  { intent, plan, ready, unfit, hosts }: Execution,
): Promise<RolloutEnd> {
  const { run, store, fleet } = session
  const materials = new Map<string, Promise<ReleaseMaterial>>()
  const recordOf = (release: string): ReleaseRecord => {
    const record = intent.record(release)
    if (record !== undefined) return record
    throw new DeliverError('precondition', `the store has no release ${release}`)
  }
  const openNow = async (release: string): Promise<ReleaseMaterial> =>
    openMaterial(store, recordOf(release), run.stop)
  const material = (release: string): Promise<ReleaseMaterial> => {
    const known = materials.get(release) ?? openNow(release)
    materials.set(release, known)
    return known
  }
  const byHost = new Map(ready.map((each) => [each.host.name, each]))
  const members = plan.steps.flatMap((step): Member[] => {
    const probed = byHost.get(step.host)
    return probed === undefined ? [] : [{ probed, step }]
  })
  const target = intent.target ?? {
    release: plan.release,
    digest: digestOf(plan.release, intent, ready),
  }
  const watch = new FleetWatch({
    known: hosts,
    ask: async () => stillChosen(await fleet.hosts(context.interrupt.signal), options, hosts),
    join: async (host) => {
      const probed = await probeHost(run, session.link(host), intent.room)
      return probed.kind === 'ready' ? { probed, step: stepTo(target, probed.view) } : { probed }
    },
  })
  try {
    return await executeRollout(run, {
      plan,
      members,
      unreachable: unfit.map(({ host, because, view }) => ({
        host: host.name,
        because,
        runs: view?.current,
      })),
      watch,
      material,
      digest: (release) => digestOf(release, intent, ready),
      ...(session.drainage === undefined ? {} : { drainage: session.drainage }),
    })
  } finally {
    for (const opened of materials.values()) await opened.then((each) => each.close()).catch(() => undefined)
  }
}

/** From the store's record; a release that only hosts still have is what they say it is. */
function digestOf(release: string, intent: Intent, ready: readonly Ready[]): string {
  const record = intent.record(release)
  if (record !== undefined) return record.manifest.digest
  const found = ready.map(({ view }) => view.staged.get(release)).find((digest) => digest !== undefined)
  return found ?? ''
}
