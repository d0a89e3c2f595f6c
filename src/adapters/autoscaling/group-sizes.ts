import type { ChangeLog } from '../../ports.js'
import type { AutoscalingApi, Group } from './api.js'
import { formatEntry, type SizeEntry } from './entries.js'

/**
 * The bounds of groups that stand in the way of standby. Auto Scaling refuses to put an instance into standby when the
 * desired capacity would fall below the group's minimum, and to take one out when it would rise above the maximum.
 */
export class GroupSizes {
  readonly #api: AutoscalingApi
  #moved: readonly SizeEntry[] = []

  constructor(api: AutoscalingApi) {
    this.#api = api
  }

  /** For `count` instances that are about to go into standby. */
  async makeRoomBelow(group: Group, count: number, changes: ChangeLog, signal?: AbortSignal): Promise<void> {
    const to = Math.max(0, group.desired - count)
    if (group.min > to)
      await this.#move({ kind: 'min-size', group: group.name, from: group.min, to }, changes, signal)
  }

  /** For `count` instances that are about to come back. */
  async makeRoomAbove(group: Group, count: number, changes: ChangeLog, signal?: AbortSignal): Promise<void> {
    const to = group.desired + count
    if (group.max < to)
      await this.#move({ kind: 'max-size', group: group.name, from: group.max, to }, changes, signal)
  }

  async #move(entry: SizeEntry, changes: ChangeLog, signal?: AbortSignal): Promise<void> {
    await changes.add([formatEntry(entry)])
    this.#moved = [...this.#moved, entry]
    const sizes = entry.kind === 'min-size' ? { min: entry.to } : { max: entry.to }
    await this.#api.setSizes(entry.group, sizes, signal)
  }

  /** Puts the bounds of a group back to where they were. */
  async restore(group: Group, changes: ChangeLog, signal?: AbortSignal): Promise<void> {
    const own = this.#moved.filter((entry) => entry.group === group.name)
    if (own.length === 0) return
    // At once, so that of two that come back together only one does it.
    this.#moved = this.#moved.filter((entry) => !own.includes(entry))
    try {
      await restoreSizes(this.#api, group, own, signal)
    } catch (error) {
      this.#moved = [...own, ...this.#moved]
      throw error
    }
    await changes.remove(own.map(formatEntry))
  }
}

/** Undoes what these entries say, last one first, where the bound still is what they made it. */
export async function restoreSizes(
  api: AutoscalingApi,
  group: Group,
  entries: readonly SizeEntry[],
  signal?: AbortSignal,
): Promise<void> {
  for (const kind of ['min-size', 'max-size'] as const) {
    const found = kind === 'min-size' ? group.min : group.max
    const bound = undone(
      found,
      entries.filter((entry) => entry.kind === kind),
    )
    if (bound === found) continue
    await api.setSizes(group.name, kind === 'min-size' ? { min: bound } : { max: bound }, signal)
  }
}

/** Somebody may have set the bound meanwhile; then theirs stays. */
function undone(bound: number, entries: readonly SizeEntry[]): number {
  return [...entries].reverse().reduce((now, { from, to }) => (now === to ? from : now), bound)
}
