import { finderOf, type Finding } from './finding.js'
import type { FleetFacts, LockFacts, Looked } from './facts.js'

export function judgeFleet(looked: Looked<FleetFacts>, lock: LockFacts | undefined): readonly Finding[] {
  const is = finderOf('fleet')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const { name, hosts, desired, pending, leftOut } = looked.value
  const ours = new Set((lock?.changed ?? []).flatMap((entry) => entry.split(' ')))
  const count = `${hosts} host(s)`
  return [
    hosts === 0
      ? is.problem(
          `${name}: no hosts`,
          'Add hosts, or start instances; the first deploy of a group without servers is deploy --allow-empty.',
        )
      : desired === undefined || hosts >= desired
        ? is.ok(`${name}: ${count}${pending === 0 ? '' : `, ${pending} more on their way`}`)
        : is.warning(
            `${name}: ${count} in service of ${desired} that there ought to be${pending === 0 ? '' : `, ${pending} on their way`}`,
            'See the activity history of the group.',
          ),
    // What a deploy of ours holds or left is told with the lock.
    ...leftOut
      .filter(({ name: instance }) => !ours.has(instance))
      .map(({ name: instance, because, standby }) =>
        standby
          ? is.warning(
              `${instance} gets no traffic and no releases: ${because}, and no deploy put it there`,
              `Bring it back when it is fit: aws autoscaling exit-standby --instance-ids ${instance} --auto-scaling-group-name GROUP`,
            )
          : is.warning(`${instance} is not deployed to: ${because}`, 'Look at the instance and its group.'),
      ),
  ]
}
