import type { AutoscalingApi, Ec2Instance, Group, GroupMember } from '../../src/adapters/autoscaling/api.js'
import { DeliverError } from '../../src/errors.js'

type Sizes = { -readonly [K in 'min' | 'max' | 'desired']: number }

/** A group as AWS keeps it: states take their time, and its bounds are enforced. */
export interface FakeGroup extends Sizes {
  readonly members: Map<string, string>
}

export interface FakeAutoScaling extends AutoscalingApi {
  readonly groupsByName: Map<string, FakeGroup>
  /** Every change that was asked for, e.g. `enter api i-1`. */
  readonly asked: string[]
  /** Called with each of them before it takes effect; what it throws is AWS's answer. */
  refuse: (asked: string) => void
  /** Answers for which a change stays half done: `EnteringStandby`, `Pending`. */
  delay: number
  addGroup(name: string, sizes: Partial<Sizes>, members: readonly string[]): FakeGroup
  terminate(id: string): void
}

/**
 * Auto Scaling with the rules that decide whether standby works: only instances in service enter it, only standby is left, at
 * most 20 at a time, and the desired capacity stays between the bounds, by refusal or by launching and terminating.
 */
export function createFakeAutoScaling(): FakeAutoScaling {
  const groups = new Map<string, FakeGroup>()
  const left = new Map<string, number>()
  const asked: string[] = []

  function groupNamed(name: string): FakeGroup {
    const group = groups.get(name)
    if (group === undefined) throw refused(`AutoScalingGroup name not found - ${name}`)
    return group
  }

  /** Half done states end after some answers. */
  function settleStates(): void {
    for (const { members } of groups.values())
      for (const [id, state] of members) {
        const next = { EnteringStandby: 'Standby', Pending: 'InService' }[state]
        if (next === undefined) continue
        const more = (left.get(id) ?? 0) - 1
        left.set(id, more)
        if (more < 0) members.set(id, next)
      }
  }

  function begin(members: Map<string, string>, ids: readonly string[], state: string): void {
    for (const id of ids) {
      members.set(id, state)
      left.set(id, fake.delay)
    }
  }

  function change(what: string): void {
    asked.push(what)
    fake.refuse(what)
  }

  const fake: FakeAutoScaling = {
    groupsByName: groups,
    asked,
    refuse: () => undefined,
    delay: 1,
    addGroup(name, { min = 0, max = 100, desired }, members) {
      const group: FakeGroup = {
        min,
        max,
        desired: desired ?? members.length,
        members: new Map(members.map((id) => [id, 'InService'])),
      }
      groups.set(name, group)
      return group
    },
    terminate(id) {
      for (const { members } of groups.values()) if (members.has(id)) members.set(id, 'Terminating')
    },
    region: () => Promise.resolve('eu-west-1'),
    async groups(query) {
      await Promise.resolve()
      settleStates()
      if ('tags' in query) throw new Error('no tags here')
      return query.names.flatMap((name): Group[] => {
        const group = groups.get(name)
        if (group === undefined) return []
        const { min, max, desired } = group
        const members = [...group.members].map(([id, state]): GroupMember => ({
          id,
          state,
          group: name,
          healthy: true,
        }))
        return [{ name, min, max, desired, members }]
      })
    },
    async instances(ids) {
      await Promise.resolve()
      const members = [...groups.values()].flatMap((group) => [...group.members])
      return members.filter(([id]) => ids.includes(id)).map(([id, state]) => instance(id, state))
    },
    async enterStandby(name, ids) {
      await Promise.resolve()
      change(`enter ${name} ${ids.join(' ')}`)
      const group = groupNamed(name)
      if (ids.length > 20) throw refused('too many instances')
      if (ids.some((id) => group.members.get(id) !== 'InService')) throw refused('not in InService')
      if (group.desired - ids.length < group.min) throw refused(`min-size=${group.min}`)
      group.desired -= ids.length
      begin(group.members, ids, 'EnteringStandby')
    },
    async exitStandby(name, ids) {
      await Promise.resolve()
      change(`exit ${name} ${ids.join(' ')}`)
      const group = groupNamed(name)
      if (ids.length > 20) throw refused('too many instances')
      if (ids.some((id) => group.members.get(id) !== 'Standby')) throw refused('not in Standby')
      if (group.desired + ids.length > group.max) throw refused(`max-size=${group.max}`)
      group.desired += ids.length
      begin(group.members, ids, 'Pending')
    },
    async setSizes(name, sizes) {
      await Promise.resolve()
      change('min' in sizes ? `min ${name} ${sizes.min}` : `max ${name} ${sizes.max}`)
      const group = groupNamed(name)
      if ('min' in sizes) group.min = sizes.min
      else group.max = sizes.max
      group.desired = Math.min(group.max, Math.max(group.min, group.desired))
    },
  }
  return fake
}

function instance(id: string, state: string): Ec2Instance {
  const number = id.replace(/\D/g, '')
  return {
    id,
    zone: 'eu-west-1a',
    type: 't3.small',
    state: state === 'Terminating' ? 'shutting-down' : 'running',
    lifecycle: 'on-demand',
    launchedAt: 0,
    privateAddress: `10.0.0.${number}`,
    tags: {},
  }
}

function refused(message: string): DeliverError {
  return new DeliverError('failed', `ValidationError: ${message}`)
}
