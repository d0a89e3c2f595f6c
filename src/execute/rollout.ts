import { messageOf } from '../errors.js'
import type { Outcome } from '../plan/outcome.js'
import type { RolloutPlan } from '../plan/types.js'
import { advanceHost, isHealthy, type Advanced } from './advance.js'
import type { FleetWatch, Member } from './fleet-watch.js'
import type { ReleaseMaterial } from './material.js'
import { goBack } from './go-back.js'
import { inParallel } from './parallel.js'
import { Ledger } from './ledger.js'
import { hostState, type Run } from './run.js'
import { stageHost, type Staged } from './stage.js'

export interface Rollout {
  readonly plan: RolloutPlan
  readonly members: readonly Member[]
  readonly watch: FleetWatch
  /** What is sent to hosts that lack a release. Made once for each, and only if a host needs it. */
  readonly material: (release: string) => Promise<ReleaseMaterial>
  /** The manifest digest of a release of the plan. */
  readonly digest: (release: string) => string
}

/**
 * Runs a plan: stages on all hosts, then takes batch after batch through activate, settle and confirm, asking the fleet again
 * before each. Never rejects for what happens on hosts: every host gets exactly one outcome.
 */
export async function executeRollout(run: Run, rollout: Rollout): Promise<readonly Outcome[]> {
  const { plan } = rollout
  const ledger = new Ledger(run)
  for (const skip of plan.skipped)
    ledger.settle(
      skip.host,
      skip.runs === plan.release
        ? { kind: 'done', runs: plan.release, restarted: false, because: skip.because }
        : { kind: 'skipped', because: skip.because, runs: skip.runs },
    )

  const staged = await stageAll(run, rollout, rollout.members, ledger)
  if (ledger.failures.length > 0 && plan.onFailure !== 'go-on') {
    skipAll(staged, ledger, `not switched, because ${ledger.failures.join(' and ')} could not be staged`)
    return ledger.outcomes
  }

  if (isStopped(run)) {
    skipAll(staged, ledger, whyStopped(run))
    return ledger.outcomes
  }
  let queue = await verifyAll(run, staged, ledger)
  let switched: readonly Member[] = []
  for (let pass = 1; ; pass++) {
    queue = await followFleet(run, rollout, queue, ledger)
    if (queue.length === 0 || isStopped(run)) break
    const batch = queue.slice(0, plan.batchLimit)
    queue = queue.slice(plan.batchLimit)
    const of = pass + Math.ceil(queue.length / plan.batchLimit)
    const result = await runBatch(run, rollout, { batch, number: pass, of, ledger })
    switched = [...switched, ...result.switched]
    let { bad } = result
    if (bad.length > 0 && !run.lost.aborted) {
      // A host that left the fleet meanwhile has not failed, it is gone.
      const gone = await rollout.watch.gone(run)
      tellGone(gone, ledger)
      const stays = ({ step }: Member): boolean => !gone.includes(step.host)
      bad = bad.filter(({ member }) => stays(member))
      queue = queue.filter(stays)
      switched = switched.filter(stays)
    }
    if (bad.length > 0 && plan.onFailure !== 'go-on') {
      const names = bad.map(({ member }) => member.step.host).join(', ')
      skipAll(queue, ledger, `not switched, because ${names} failed`)
      await goBack(run, plan, { bad, switched, ledger })
      return ledger.outcomes
    }
    for (const { member, advanced } of bad) ledger.rollbackFailed(member, advanced.because)
    if (queue.length > 0 && plan.pause > 0)
      await run.clock.sleep(plan.pause, AbortSignal.any([run.stop, run.lost])).catch(() => undefined)
  }
  skipAll(queue, ledger, whyStopped(run))
  return ledger.outcomes
}

/** Nothing new is begun any more. */
function isStopped(run: Run): boolean {
  return run.stop.aborted || run.lost.aborted
}

function whyStopped(run: Run): string {
  return run.lost.aborted ? 'the deploy lost its lock' : 'interrupted'
}

async function stageAll(
  run: Run,
  rollout: Rollout,
  members: readonly Member[],
  ledger: Ledger,
): Promise<readonly Member[]> {
  const staged = await inParallel(run.config.ssh.concurrency, members, async (member) => {
    if (member.step.stage === 'present') return member
    const { host, facts } = member.probed
    const material = await rollout.material(member.step.to).catch((error: unknown) => messageOf(error))
    const result: Staged =
      typeof material === 'string'
        ? { kind: 'failed', because: material }
        : await stageHost({ run, host, material, facts })
    if (result.kind === 'staged') {
      hostState(run, host.name, 'staged', member.step.to)
      return member
    }
    ledger.fail(member, `could not be staged: ${result.because}`, { switched: false })
    return undefined
  })
  return staged.filter((member) => member !== undefined)
}

/**
 * Looks at the hosts that run the release already, all at once since a look disturbs nothing. One that is not healthy on it
 * joins the others, in front of them: it is out of service already.
 */
async function verifyAll(run: Run, members: readonly Member[], ledger: Ledger): Promise<readonly Member[]> {
  const there = members.filter(({ step }) => step.act === 'verify')
  const broken: Member[] = []
  await inParallel(run.config.ssh.concurrency, there, async (member) => {
    const { step, probed } = member
    if (await isHealthy(run, probed.host, step))
      ledger.settle(step.host, { kind: 'done', runs: step.to, restarted: false, because: step.because })
    else broken.push({ ...member, step: { ...step, act: 'activate' } })
  })
  return [...broken, ...members.filter(({ step }) => step.act === 'activate')]
}

interface Batch {
  readonly batch: readonly Member[]
  readonly number: number
  readonly of: number
  readonly ledger: Ledger
}

interface BatchResult {
  /** Confirmed, in the order in which they were. */
  readonly switched: readonly Member[]
  readonly bad: readonly BadMember[]
}

export interface BadMember {
  readonly member: Member
  readonly advanced: Extract<Advanced, { kind: 'bad' }>
}

async function runBatch(
  run: Run,
  rollout: Rollout,
  { batch, number, of, ledger }: Batch,
): Promise<BatchResult> {
  const { plan, digest } = rollout
  const started = run.clock.now()
  run.reporter.event({ type: 'batch-started', batch: number, of, hosts: batch.map(({ step }) => step.host) })
  const bad: BadMember[] = []
  const switched: Member[] = []
  await Promise.all(
    batch.map(async (member) => {
      const { step } = member
      const how =
        plan.kind === 'rollback' && step.from !== null && step.from !== step.to
          ? { via: plan.kind, markBad: step.from }
          : { via: plan.kind }
      const advanced = await advanceHost(run, {
        host: member.probed.host,
        step,
        digest: digest(step.to),
        how,
        context: {
          kind: plan.kind,
          release: plan.release,
          hosts: [{ host: member.probed.host, step }],
          batch: { number, of },
        },
      })
      if (advanced.kind === 'bad') {
        for (const line of advanced.log.split('\n').filter((each) => each !== ''))
          run.reporter.event({ type: 'output', host: step.host, stream: 'stderr', line })
        hostState(run, step.host, 'failed', advanced.because)
        bad.push({ member, advanced })
        return
      }
      switched.push(member)
      ledger.settle(step.host, { kind: 'done', runs: step.to, restarted: true })
    }),
  )
  run.reporter.event({ type: 'batch-done', batch: number, of, ms: run.clock.now() - started })
  return { switched, bad }
}

/** Takes out what has gone and stages what has come, so that the queue is the fleet of now. */
async function followFleet(
  run: Run,
  rollout: Rollout,
  queue: readonly Member[],
  ledger: Ledger,
): Promise<readonly Member[]> {
  if (isStopped(run)) return queue
  const change = await rollout.watch.refresh(run)
  tellGone(change.gone, ledger)
  for (const { host, because } of change.unfit) ledger.failHost(host, `joined during the deploy: ${because}`)
  const joined = await verifyAll(run, await stageAll(run, rollout, change.joined, ledger), ledger)
  const stayed = queue.filter(({ step }) => !change.gone.includes(step.host))
  return [...stayed, ...joined]
}

function tellGone(hosts: readonly string[], ledger: Ledger): void {
  for (const host of hosts) ledger.settle(host, { kind: 'gone', because: 'left the fleet during the deploy' })
}

function skipAll(queue: readonly Member[], ledger: Ledger, because: string): void {
  for (const { step } of queue) ledger.settle(step.host, { kind: 'skipped', because, runs: step.from })
}
