import { isActive, type HostModel } from '../model/host-model.js'

/** Lower is shown sooner. */
function rankOf({ state }: HostModel): number {
  if (state === 'failed' || state === 'rolling-back') return 0
  if (state === 'rolled-back') return 1
  if (isActive(state)) return 2
  return state === 'staged' ? 3 : state === 'done' ? 4 : 5
}

/**
 * Which hosts a view shows when not all have room: those that failed, then those at work, the slowest first. They stay in
 * their order, so that lines don't jump. One line of the room is left for what is said about the others.
 */
export function choose(
  hosts: readonly HostModel[],
  room: number,
): { readonly shown: readonly HostModel[]; readonly hidden: readonly HostModel[] } {
  if (hosts.length <= room) return { shown: hosts, hidden: [] }
  const best = [...hosts]
    .sort((a, b) => rankOf(a) - rankOf(b) || (rankOf(a) === 2 ? a.since - b.since : 0))
    .slice(0, Math.max(0, room - 1))
  const chosen = new Set(best)
  return {
    shown: hosts.filter((host) => chosen.has(host)),
    hidden: hosts.filter((host) => !chosen.has(host)),
  }
}
