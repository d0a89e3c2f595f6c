import { messageOf } from '../errors.js'
import type { Action } from '../plan/machine/state.js'
import { isHealthy } from './advance.js'
import { bake } from './bake.js'
import { switchBatch } from './batch.js'
import type { Member } from './fleet-watch.js'
import { inParallel } from './parallel.js'
import { contextOf, membersOf, type Working } from './working.js'
import { hostState } from './run.js'
import { writeFiles } from './files.js'
import { stageReady } from './stage-ready.js'
import { stageHost, type Staged } from './stage.js'
import { recheckRelease } from './recheck.js'
import { objection, type Point } from './steps.js'
import { takeBack } from './take-back.js'

/** Does what an action says, and feeds what came of it. Never rejects. */
export async function perform(working: Working, action: Exclude<Action, { kind: 'end' }>): Promise<void> {
  switch (action.kind) {
    case 'stage':
      return stage(working, membersOf(working, action.hosts))
    case 'verify':
      return verify(working, membersOf(working, action.hosts))
    case 'recheck':
      return recheck(working)
    case 'ask':
      return ask(working, action)
    case 'begin':
    case 'finish':
      return around(working, action.kind)
    case 'switch':
      return switchBatch(working, action)
    case 'bake':
      return bake(working, action)
    case 'pause':
      return pause(working, action.ms)
    case 'give-up':
      return working.feed({ kind: 'gave-up', because: action.because })
    case 'return':
      return takeBack(working, action.hosts)
  }
}

async function stage(working: Working, members: readonly Member[]): Promise<void> {
  const { run, feed, ledger } = working
  const context = contextOf(working, members)
  const lacking = members.filter(({ step }) => step.stage === 'send').length
  const started = run.clock.now()
  if (lacking > 0)
    run.reporter.event({
      type: 'step-started',
      step: 'stage',
      detail: `on ${lacking} of ${members.length} host(s)`,
    })
  const before = await objection(run.steps.before('stage', context))
  const results = await inParallel(
    run.turns,
    members,
    async (member) =>
      [member, before ?? (await ledger.time(member.step.host, () => stageMember(working, member)))] as const,
  )
  const allWell = results.every(([, because]) => because === undefined)
  const after = allWell ? await objection(run.steps.after('stage', context)) : undefined
  if (lacking > 0) {
    const failed = results.filter(([, because = after]) => because !== undefined).length
    const detail = failed === 0 ? {} : { detail: `failed on ${failed} host(s)` }
    run.reporter.event({ type: 'step-done', step: 'stage', ms: run.clock.now() - started, ...detail })
  }
  for (const [{ step }, because = after] of results) {
    if (because === undefined) feed({ kind: 'staged', host: step.host })
    else feed({ kind: 'not-staged', host: step.host, because })
  }
}

/** Resolves to why it could not be staged. */
async function stageMember(working: Working, member: Member): Promise<string | undefined> {
  const { run, rollout } = working
  const { step } = member
  let { probed } = member
  const { host } = probed
  // What ran here goes back as it was; a deploy brings the values of today.
  if (step.stage === 'present') {
    if (rollout.plan.kind === 'rollback') return undefined
    const rechecked = step.act === 'verify' ? undefined : await recheckRelease(run, probed, step.to)
    if (rechecked?.kind === 'failed') return rechecked.because
    if (rechecked?.kind !== 'put-away') return writeFiles(run, host, step)
    probed = { ...probed, facts: rechecked.facts }
  }
  const because = (await bringRelease(working, { step, probed })) ?? (await writeFiles(run, host, step))
  if (because === undefined) hostState(run, host.name, 'staged', step.to)
  return because
}

/** By the delta that was made when it was published, else by what suits the host best. */
async function bringRelease(
  { run, rollout }: Working,
  { step, probed }: Member,
): Promise<string | undefined> {
  const { host, facts } = probed
  const soon = await stageReady({ run, host, facts, ready: rollout.ready?.(step.to) })
  if (soon.kind === 'staged') return undefined
  if (soon.kind === 'failed' && soon.final) return soon.because
  const material = await rollout.material(step.to).catch((error: unknown) => messageOf(error))
  if (typeof material === 'string') return material
  const result: Staged = await stageHost({ run, host, material, facts })
  return result.kind === 'staged' ? undefined : result.because
}

/** Looks at the hosts that run the release already, all at once since a look disturbs nothing. */
async function verify({ run, feed, ledger }: Working, members: readonly Member[]): Promise<void> {
  await inParallel(run.turns, members, async ({ step, probed }) => {
    const healthy = await ledger.time(step.host, () => isHealthy(run, probed.host, step))
    feed({ kind: 'verified', host: step.host, healthy })
  })
}

/** A host that left the fleet meanwhile has not failed, it is gone. */
async function recheck({ run, rollout, feed }: Working): Promise<void> {
  feed({ kind: 'left', hosts: run.stop.aborted ? [] : await rollout.watch.gone(run) })
}

async function ask({ run, rollout, members, feed }: Working, { insist }: { insist: boolean }): Promise<void> {
  const change = await rollout.watch.refresh(run, { insist })
  if ('unanswered' in change) return feed({ kind: 'unanswered', because: change.unanswered })
  for (const member of change.joined) members.set(member.step.host, member)
  const { gone, unfit } = change
  feed({ kind: 'fleet', gone, unfit, joined: change.joined.map(({ step }) => step) })
}

async function around(working: Working, when: 'begin' | 'finish'): Promise<void> {
  const { run, rollout, members, feed } = working
  const point: Point = rollout.plan.kind === 'rollback' ? 'rollback' : 'rollout'
  const context = contextOf(working, [...members.values()])
  const because = await objection(
    when === 'begin' ? run.steps.before(point, context) : run.steps.after(point, context),
  )
  if (because !== undefined) feed({ kind: 'objected', because })
  else feed({ kind: when === 'begin' ? 'began' : 'finished' })
}

async function pause({ run, feed }: Working, ms: number): Promise<void> {
  await run.clock.sleep(ms, AbortSignal.any([run.stop, run.lost])).catch(() => undefined)
  feed({ kind: 'paused' })
}
