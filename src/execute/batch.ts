import type { Action, Event } from '../plan/machine/state.js'
import { readHostFacts } from '../remote/readings.js'
import { probe } from '../remote/verbs.js'
import { advanceHost, type Advanced } from './advance.js'
import type { Member } from './fleet-watch.js'
import { hostState, limits, type Run, type RunHost } from './run.js'
import { objection, type StepContext } from './steps.js'
import { tellLog } from './tell-log.js'
import { contextOf, membersOf, type Working } from './working.js'

type Switch = Extract<Action, { kind: 'switch' }>
type Failed = Extract<Event, { kind: 'failed' }>

/**
 * Takes a batch out of traffic, switches its hosts, and brings back those that are well. Those that failed stay out until
 * they went back, or until the end.
 */
export async function switchBatch(working: Working, { hosts, number, of }: Switch): Promise<void> {
  const { run, feed } = working
  const members = membersOf(working, hosts)
  const context: StepContext = { ...contextOf(working, members), batch: { number, of } }
  const started = run.clock.now()
  run.reporter.event({ type: 'batch-started', batch: number, of, hosts })
  const objected = await objection(run.steps.before('batch', context))
  const well =
    objected === undefined
      ? await switchTogether(working, members, context)
      : refuse(working, members, objected)
  const after = well.length === 0 ? undefined : await objection(run.steps.after('batch', context))
  if (after !== undefined) for (const member of well) feed(failure(member, after, member.step.to))
  feed({ kind: 'batch-done', hosts })
  run.reporter.event({ type: 'batch-done', batch: number, of, ms: run.clock.now() - started })
}

/** Resolves to those that are on the new release and in service. */
async function switchTogether(
  working: Working,
  members: readonly Member[],
  context: StepContext,
): Promise<readonly Member[]> {
  const { run, traffic, feed, ledger } = working
  const names = members.map(({ step }) => step.host)
  const refused = await traffic.takeOut(members.map(({ probed }) => probed.host.link.host))
  if (refused !== undefined) {
    const stranded = await traffic.bringBack(names)
    // Somebody asked to stop while it was waited for: nothing has failed, and nothing was switched.
    if (run.stop.aborted && stranded.size === 0) return []
    for (const member of members) {
      const still = stranded.get(member.step.host)
      const because = `could not be taken out of traffic: ${refused}`
      refuse(working, [member], still === undefined ? because : `${because}; ${still}`)
    }
    return []
  }
  const healthy = new Set<Member>()
  await Promise.all(
    members.map(async (member) => {
      const advanced = await ledger.time(member.step.host, () => advance(working, member, context))
      if (advanced.kind === 'bad') return feed(await failed(run, member, advanced))
      healthy.add(member)
      if (!traffic.drains) feed({ kind: 'switched', host: member.step.host })
    }),
  )
  const well = members.filter((member) => healthy.has(member))
  if (!traffic.drains) return well
  return bringBack(working, members, well)
}

/** What is well goes back into traffic, and what never left its old release. */
async function bringBack(
  { state, traffic, feed }: Working,
  members: readonly Member[],
  well: readonly Member[],
): Promise<readonly Member[]> {
  const untouched = members.filter(({ step }) => {
    const place = state.hosts.get(step.host)?.place
    return place?.at === 'failed' && !place.switched
  })
  const stranded = await traffic.bringBack([...well, ...untouched].map(({ step }) => step.host))
  for (const member of well) {
    const because = stranded.get(member.step.host)
    feed(
      because === undefined
        ? { kind: 'switched', host: member.step.host }
        : failure(member, because, member.step.to),
    )
  }
  for (const { step } of untouched) {
    const because = stranded.get(step.host)
    if (because !== undefined) feed({ kind: 'stranded', host: step.host, because })
  }
  return well.filter(({ step }) => !stranded.has(step.host))
}

async function advance(working: Working, member: Member, context: StepContext): Promise<Advanced> {
  const { plan, digest } = working.rollout
  const { step, probed } = member
  const leaves = plan.kind === 'rollback' && step.from !== null && step.from !== step.to
  return advanceHost(working.run, {
    host: probed.host,
    step,
    digest: digest(step.to),
    how: { via: plan.kind, ...(leaves && step.from !== null ? { markBad: step.from } : {}) },
    context: { ...context, hosts: [{ host: probed.host, step }] },
  })
}

/** Shows what the host said, and reads what runs there now. */
async function failed(run: Run, member: Member, bad: Extract<Advanced, { kind: 'bad' }>): Promise<Failed> {
  const { host } = member.probed
  tellLog(run, host.name, bad.log)
  hostState(run, host.name, 'failed', bad.because)
  const { because, switched } = bad
  const runs = switched ? await whatRuns(run, host) : member.step.from
  return { kind: 'failed', host: host.name, because, switched, runs }
}

/** One look, for people: a host that doesn't answer is not waited for. */
async function whatRuns(run: Run, { link }: RunHost): Promise<string | null | undefined> {
  const reading = readHostFacts(await link.call(probe(), { timeout: limits.look, signal: run.lost }))
  if (reading.kind !== 'ok') return undefined
  return reading.value.current.kind === 'release' ? reading.value.current.release : null
}

function failure({ step }: Member, because: string, runs: string): Failed {
  return { kind: 'failed', host: step.host, because, switched: true, runs }
}

/** None of these is switched. */
function refuse({ feed }: Working, members: readonly Member[], because: string): readonly Member[] {
  for (const { step } of members)
    feed({ kind: 'failed', host: step.host, because, switched: false, runs: step.from })
  return []
}
