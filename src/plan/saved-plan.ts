import type { Host } from '../ports.js'
import type { HostView, RolloutPlan } from './types.js'

/** A plan that somebody looked at, and the world that it was made for: `deliver deploy --plan FILE` runs it in no other. */
export interface SavedPlan {
  readonly version: 1
  /** ISO 8601, by the clock of the machine that made it. */
  readonly madeAt: string
  readonly app: string
  readonly environment: string
  readonly release: string
  /** Of the release's manifest. */
  readonly digest: string
  /** The options of the command line that made it. `flags` are values for paths of the config. */
  readonly options: {
    readonly hosts?: string
    readonly limit?: string
    readonly onlyOutdated: boolean
    readonly flags: readonly Setting[]
  }
  /** Undefined: the environment had none. */
  readonly pointer?: { readonly release: string; readonly generation: number }
  readonly hosts: readonly PlannedHost[]
  readonly batches: readonly { readonly hosts: readonly string[] }[]
  /** What the rollout depends on in the config. Texts are there as fingerprints, so that no secret is. */
  readonly config: readonly Setting[]
  /** Makes the fingerprints of this file unlike those of any other. */
  readonly salt: string
}

export interface Setting {
  readonly path: string
  readonly value: string
}

export interface PlannedHost {
  readonly name: string
  readonly address: string
  /** Undefined: the default. */
  readonly port?: number
  readonly instance?: string
  /** The release that it runs; undefined: none. */
  readonly current?: string
  readonly unconfirmed: boolean
  /** Digest of the plan's release on this host; undefined: it isn't there. */
  readonly staged?: string
}

/** How a host of the fleet was found when the plan was made. */
export function plannedHost(host: Host, view: HostView, release: string): PlannedHost {
  const staged = view.staged.get(release)
  return {
    name: host.name,
    address: host.address,
    ...(host.port === undefined ? {} : { port: host.port }),
    ...(host.instance === undefined ? {} : { instance: host.instance }),
    ...(view.current === null ? {} : { current: view.current }),
    unconfirmed: view.unconfirmed,
    ...(staged === undefined ? {} : { staged }),
  }
}

export function batchesToSave(plan: Pick<RolloutPlan, 'batches'>): SavedPlan['batches'] {
  return plan.batches.map((hosts) => ({ hosts }))
}

/** What is no longer as it was when the plan was made, one sentence each; nothing, and the plan may be run. */
export function whatChanged(saved: SavedPlan, now: SavedPlan): readonly string[] {
  const changes = [
    ...differs('the plan is for', `${saved.app} ${saved.environment}`, `${now.app} ${now.environment}`),
    ...differs('the release was', saved.release, now.release),
    ...(saved.digest === now.digest ? [] : [`${now.release} has other content than the plan's`]),
    ...differs('the pointer was', pointerText(saved), pointerText(now)),
    ...hostChanges(saved.hosts, now.hosts),
    ...settingChanges(saved.config, now.config),
  ]
  // Batches follow from all of the above, so that they are only worth a sentence when nothing else is.
  const [before, after] = [saved, now].map(({ batches }) =>
    batches.map(({ hosts }) => hosts.join(' ')).join(', '),
  )
  if (changes.length > 0 || before === after) return changes
  return [`the batches were ${before ?? ''}, and are ${after ?? ''}`]
}

function differs(what: string, before: string, after: string): readonly string[] {
  return before === after ? [] : [`${what} ${before}, and is ${after}`]
}

function pointerText({ pointer }: SavedPlan): string {
  return pointer === undefined ? 'nothing' : `${pointer.release} (generation ${pointer.generation})`
}

function hostChanges(before: readonly PlannedHost[], after: readonly PlannedHost[]): readonly string[] {
  const now = new Map(after.map((host) => [host.name, host]))
  const known = new Set(before.map((host) => host.name))
  return [
    ...before.flatMap((host) => {
      const found = now.get(host.name)
      return found === undefined ? [`${host.name} is gone`] : changesOf(host, found)
    }),
    ...after.filter((host) => !known.has(host.name)).map((host) => `${host.name} is new`),
  ]
}

function changesOf(before: PlannedHost, after: PlannedHost): readonly string[] {
  const { name } = before
  if (serverOf(before) !== serverOf(after))
    return [`${name} is another server: it was ${serverOf(before)}, and is ${serverOf(after)}`]
  return [
    ...differs(`${name} ran`, before.current ?? 'nothing', after.current ?? 'nothing'),
    ...(before.unconfirmed === after.unconfirmed
      ? []
      : [`${name} ${after.unconfirmed ? 'has a switch that is not confirmed' : 'has confirmed its switch'}`]),
    ...(before.staged === after.staged ? [] : [stagedText(name, before, after)]),
  ]
}

function stagedText(name: string, before: PlannedHost, after: PlannedHost): string {
  if (before.staged === undefined) return `${name} has the release now`
  return after.staged === undefined ? `${name} lost the release` : `${name} has another copy of the release`
}

function serverOf({ address, port, instance }: PlannedHost): string {
  const where = port === undefined ? address : `${address}:${port}`
  return instance === undefined ? where : `${instance} at ${where}`
}

/** Texts were saved as fingerprints: they are known to differ, and not how. */
function settingChanges(before: readonly Setting[], after: readonly Setting[]): readonly string[] {
  const was = new Map(before.map(({ path, value }) => [path, value]))
  const is = new Map(after.map(({ path, value }) => [path, value]))
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((path) => {
    const [old, now] = [was.get(path), is.get(path)]
    if (old === now) return []
    if (old === undefined) return [`${path} is in the config now`]
    if (now === undefined) return [`${path} is no longer in the config`]
    return old.startsWith(fingerprint) || now.startsWith(fingerprint)
      ? [`${path} has another value`]
      : differs(`${path} was`, old, now)
  })
}

/** Starts the value of a setting that is a text. */
export const fingerprint = 'sha256:'
