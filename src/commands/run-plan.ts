import { DeliverError } from '../errors.js'
import { probeHost, type Probed } from '../execute/facts.js'
import { FleetWatch, type Member } from '../execute/fleet-watch.js'
import { openMaterial, type ReleaseMaterial } from '../execute/material.js'
import { ReadyDeltas } from '../execute/ready-deltas.js'
import { executeRollout, type RolloutEnd } from '../execute/rollout.js'
import { outsidePaths, type Run } from '../execute/run.js'
import type { Point } from '../execute/steps.js'
import { planLate, stepTo } from '../plan/deploy.js'
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

/** A plan and all that it is executed with. */
export interface OpenPlan {
  readonly watch: FleetWatch
  execute(): Promise<RolloutEnd>
  /** The same for hosts that came after the rollout. */
  executeLate(members: readonly Member[]): Promise<RolloutEnd>
  /** Gives back what was made to be sent to hosts. */
  close(): Promise<void>
}

export function openPlan(
  context: CommandContext,
  session: RolloutSession,
  options: RolloutOptions,
  { intent, plan, ready, unfit, hosts }: Execution,
): OpenPlan {
  const { run, store, fleet } = session
  const materials = new Map<string, Promise<ReleaseMaterial>>()
  const recordOf = (release: string): ReleaseRecord => {
    const record = intent.record(release)
    if (record !== undefined) return record
    throw new DeliverError('precondition', `the store has no release ${release}`, {
      fix: 'deliver releases lists what it has; deliver publish puts one there.',
    })
  }
  const openNow = async (release: string): Promise<ReleaseMaterial> =>
    openMaterial(store, recordOf(release), run.stop)
  const material = (release: string): Promise<ReleaseMaterial> => {
    const known = materials.get(release) ?? openNow(release)
    materials.set(release, known)
    return known
  }
  const readies = new Map<string, ReadyDeltas>()
  const readyFor = (release: string): ReadyDeltas | undefined => {
    const record = intent.record(release)
    if (record === undefined) return undefined
    const known = readies.get(release) ?? new ReadyDeltas(store, record, outsidePaths(run.target))
    readies.set(release, known)
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
  const shared = {
    watch,
    material,
    ready: readyFor,
    digest: (release: string) => digestOf(release, intent, ready),
    ...(session.drainage === undefined ? {} : { drainage: session.drainage }),
  }
  return {
    watch,
    execute: () =>
      executeRollout(run, {
        plan,
        members,
        unreachable: unfit.map(({ host, because, view }) => ({
          host: host.name,
          because,
          runs: view?.current,
        })),
        ...shared,
      }),
    executeLate: (late) => {
      const steps = late.map(({ step }) => step)
      return executeRollout(lateRun(run), { plan: planLate(plan, steps), members: late, ...shared })
    },
    close: async () => {
      for (const opened of materials.values())
        await opened.then((each) => each.close()).catch(() => undefined)
    },
  }
}

/** What is run around the rollout as a whole has been run: these hosts are the end of it. */
function lateRun(run: Run): Run {
  const around = (point: Point): boolean => point === 'rollout' || point === 'rollback'
  return {
    ...run,
    steps: {
      ...run.steps,
      before: async (point, context) => (around(point) ? undefined : run.steps.before(point, context)),
      after: async (point, context) => (around(point) ? undefined : run.steps.after(point, context)),
    },
  }
}

/** From the store's record; a release that only hosts still have is what they say it is. */
function digestOf(release: string, intent: Intent, ready: readonly Ready[]): string {
  const record = intent.record(release)
  if (record !== undefined) return record.manifest.digest
  const found = ready.map(({ view }) => view.staged.get(release)).find((digest) => digest !== undefined)
  return found ?? ''
}
