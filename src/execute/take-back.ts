import type { Event } from '../plan/machine/state.js'
import type { Member } from './fleet-watch.js'
import { goBack } from './go-back.js'
import { objection } from './steps.js'
import { contextOf, membersOf, type Working } from './working.js'

/**
 * Brings hosts back to what they ran, together. Each goes back while it is out of traffic: those that failed are still,
 * those that were well are taken out again.
 */
export async function takeBack(working: Working, names: readonly string[]): Promise<void> {
  const { run, traffic, feed } = working
  const members = membersOf(working, names)
  const context = contextOf(working, members)
  const objected = await objection(run.steps.before('rollback', context))
  const events = objected === undefined ? await goBackAll(working, members) : refuse(members, objected)
  const stranded = await traffic.bringBack(names)
  for (const event of events) feed(event)
  for (const [host, because] of stranded) feed({ kind: 'stranded', host, because })
  if (objected !== undefined || events.some(({ kind }) => kind === 'stuck')) return
  const after = await objection(run.steps.after('rollback', context))
  if (after !== undefined) run.reporter.event({ type: 'warning', text: after })
}

async function goBackAll(working: Working, members: readonly Member[]): Promise<readonly Event[]> {
  const { run, state, traffic, ledger } = working
  const because = new Map(state.returning.map((each) => [each.host, each.because]))
  const out = new Set(traffic.out)
  const inTraffic = members.filter(({ step }) => !out.has(step.host))
  const refused = await traffic.takeOut(inTraffic.map(({ probed }) => probed.host.link.host))
  const left = refused === undefined ? [] : inTraffic
  const going = members.filter((member) => !left.includes(member))
  const gone = await Promise.all(
    going.map((member) =>
      ledger.time(member.step.host, () => goBack(run, member, because.get(member.step.host) ?? '')),
    ),
  )
  return [...gone, ...refuse(left, `could not be taken out of traffic: ${refused ?? ''}`)]
}

/** These stay on the release that they should leave. */
function refuse(members: readonly Member[], because: string): readonly Event[] {
  return members.map(({ step }): Event => ({ kind: 'stuck', host: step.host, because, runs: step.to }))
}
