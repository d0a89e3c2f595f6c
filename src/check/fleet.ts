import { showCount } from '../report/units.js'
import { finderOf, type Finding } from './finding.js'
import type { FleetFacts, LockFacts, Looked } from './facts.js'

export function judgeFleet(looked: Looked<FleetFacts>, lock: LockFacts | undefined): readonly Finding[] {
  const is = finderOf('fleet')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const { name, hosts, desired, pending, leftOut, tooSmall } = looked.value
  const ours = new Set((lock?.changed ?? []).flatMap((entry) => entry.split(' ')))
  const count = showCount(hosts, 'host')
  const coming = pending === 0 ? '' : `, ${pending} more on their way`
  // A list in the config has its size in its name.
  const all = name.startsWith(count) ? name : `${name}: ${count}`
  return [
    hosts === 0
      ? is.problem(
          `${name}: no hosts`,
          'Add hosts, or start instances; the first deploy of a group without servers is deploy --allow-empty.',
        )
      : desired === undefined || hosts >= desired
        ? is.ok(`${all}${coming}`)
        : is.warning(
            `${all} in service, ${desired} wanted${coming}`,
            'See the activity history of the group.',
          ),
    ...(tooSmall === undefined ? [] : [is.problem(tooSmall.what, tooSmall.fix)]),
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
