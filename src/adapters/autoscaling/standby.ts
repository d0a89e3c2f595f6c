import { DeliverError } from '../../errors.js'
import type { ChangeLog, Clock, Drain, Host } from '../../ports.js'
import { inChunks } from '../aws/pages.js'
import { mostMoved, type AutoscalingApi, type Group, type GroupMember } from './api.js'
import { formatEntry } from './entries.js'
import { GroupSizes } from './group-sizes.js'
import { phaseOf } from './lifecycle.js'
import { waitFor } from './waiting.js'

export interface StandbyOptions {
  readonly api: AutoscalingApi
  /** "the group api-prod" */
  readonly groups: string
  /** All groups of the fleet, as they are now. */
  readonly read: (signal?: AbortSignal) => Promise<readonly Group[]>
  /** Instances that are out of traffic because of us, and their groups. The fleet goes on listing them. */
  readonly held: Map<string, string>
  /** Milliseconds for taking out, and again for bringing back. */
  readonly timeout: number
  readonly clock: Clock
}

/** A refusal may be about an instance that just left; it is read anew, and asked again, so often. */
const attempts = 3

/** Takes hosts out of traffic with the standby of Auto Scaling: the group lends them to us, and launches nothing instead. */
export function createStandby(options: StandbyOptions): Omit<Drain, 'restore'> {
  const { api, held } = options
  const sizes = new GroupSizes(api)
  return {
    name: `standby in ${options.groups}`,

    async takeOut(hosts, changes, signal) {
      const ids = instancesOf(hosts)
      const until = options.clock.now() + options.timeout
      const before = membersOf(await options.read(signal), ids)
      const groups = new Set([...before.values()].map(({ group }) => group))
      for (const group of groups) {
        const own = [...before.values()].filter((member) => member.group === group).map(({ id }) => id)
        await enter({ ...options, sizes, changes, until, signal, group }, own)
      }
    },

    async bringBack(hosts, changes, signal) {
      const until = options.clock.now() + options.timeout
      const ids = instancesOf(hosts).filter((id) => held.has(id))
      const late = new Map<string, string>()
      for (const group of new Set(ids.map((id) => held.get(id) ?? ''))) {
        const own = ids.filter((id) => held.get(id) === group)
        const { now, waiting } = await leave({ ...options, sizes, changes, until, signal, group }, own)
        for (const { id, state } of waiting) late.set(id, `it is ${state} after ${seconds(options)} s`)
        const back = own.filter((id) => !late.has(id))
        for (const id of back) held.delete(id)
        await changes.remove(back.map((instance) => formatEntry({ kind: 'standby', group, instance })))
        const others = [...held.values()].includes(group)
        if (now !== undefined && !others) await sizes.restore(now, changes, signal)
      }
      return new Map(
        hosts.flatMap(({ name, instance }) => {
          const because = instance === undefined ? undefined : late.get(instance)
          return because === undefined ? [] : [[name, because] as const]
        }),
      )
    },
  }
}

/** One group's part of the work. */
interface Move extends StandbyOptions {
  readonly group: string
  readonly sizes: GroupSizes
  readonly changes: ChangeLog
  readonly until: number
  readonly signal?: AbortSignal | undefined
}

async function enter(move: Move, ids: readonly string[]): Promise<void> {
  const { api, held, changes, signal } = move
  const ours = new Set<string>()
  for (let attempt = 1; ; attempt++) {
    const { group, members } = await look(move, ids)
    const serving = members.filter(({ state }) => state === 'InService').map(({ id }) => id)
    if (group === undefined || serving.length === 0) break
    try {
      await move.sizes.makeRoomBelow(group, serving.length, changes, signal)
      const fresh = serving.filter((id) => !held.has(id))
      await changes.add(
        fresh.map((instance) => formatEntry({ kind: 'standby', group: group.name, instance })),
      )
      for (const id of serving) held.set(id, group.name)
      for (const id of serving) ours.add(id)
      for (const chunk of inChunks(serving, mostMoved)) await api.enterStandby(group.name, chunk, signal)
    } catch (error) {
      if (attempt === attempts || isFinal(error)) throw error
    }
  }
  if (ours.size === 0) return
  const isOut = async (): Promise<boolean> => {
    const { members } = await look(move, [...ours])
    return members.every(({ state }) => state === 'Standby' || phaseOf(state) === 'leaving')
  }
  if (!(await waitFor(isOut, { clock: move.clock, until: move.until, signal })))
    throw late(move, 'in standby')
}

interface Left {
  /** The group as it is afterwards, undefined when it is gone. */
  readonly now: Group | undefined
  /** Those that are not in service when the time is up. */
  readonly waiting: readonly GroupMember[]
}

async function leave(move: Move, ids: readonly string[]): Promise<Left> {
  const { api, changes, signal } = move
  let refused = 0
  let now: Group | undefined
  let waiting: readonly GroupMember[] = []
  const isBack = async (): Promise<boolean> => {
    const { group, members } = await look(move, ids)
    now = group
    waiting = members.filter(({ state }) => !['in-service', 'leaving'].includes(phaseOf(state)))
    const out = waiting.filter(({ state }) => state === 'Standby').map(({ id }) => id)
    if (group !== undefined && out.length > 0) {
      try {
        await move.sizes.makeRoomAbove(group, out.length, changes, signal)
        for (const chunk of inChunks(out, mostMoved)) await api.exitStandby(group.name, chunk, signal)
      } catch (error) {
        refused += 1
        if (refused === attempts || isFinal(error)) throw error
      }
    }
    return waiting.length === 0
  }
  await waitFor(isBack, { clock: move.clock, until: move.until, signal })
  return { now, waiting }
}

/** Brings back what another run left in standby. Its log is not ours to write, so bounds that it has to move it moves back. */
export async function endStandby(
  options: Omit<StandbyOptions, 'held' | 'groups'>,
  group: string,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const unlogged: ChangeLog = { add: () => Promise.resolve(), remove: () => Promise.resolve() }
  const sizes = new GroupSizes(options.api)
  const until = options.clock.now() + options.timeout
  const move: Move = {
    ...options,
    groups: group,
    held: new Map(),
    sizes,
    changes: unlogged,
    until,
    signal,
    group,
  }
  const { now, waiting } = await leave(move, ids)
  if (waiting.length > 0) throw late(move, 'in service again')
  if (now !== undefined) await sizes.restore(now, unlogged, signal)
}

async function look(
  move: Move,
  ids: readonly string[],
): Promise<{ readonly group: Group | undefined; readonly members: readonly GroupMember[] }> {
  const groups = await move.read(move.signal)
  const group = groups.find(({ name }) => name === move.group)
  return { group, members: group?.members.filter(({ id }) => ids.includes(id)) ?? [] }
}

function membersOf(groups: readonly Group[], ids: readonly string[]): ReadonlyMap<string, GroupMember> {
  const members = groups.flatMap((group) => group.members).filter(({ id }) => ids.includes(id))
  return new Map(members.map((member) => [member.id, member]))
}

function instancesOf(hosts: readonly Host[]): readonly string[] {
  return hosts.flatMap(({ instance }) => (instance === undefined ? [] : [instance]))
}

/** Asking again won't help: the caller stopped, or somebody must act. */
function isFinal(error: unknown): boolean {
  return !(error instanceof DeliverError) || error.kind !== 'failed'
}

function seconds({ timeout }: Pick<StandbyOptions, 'timeout'>): number {
  return Math.round(timeout / 1000)
}

function late(move: Move, goal: string): DeliverError {
  return new DeliverError(
    'failed',
    `rollout.drain: instances of ${move.group} were not ${goal} within ${seconds(move)} s`,
    { fix: 'See the activity history of the group, or give it longer: rollout.drainTimeout.' },
  )
}
