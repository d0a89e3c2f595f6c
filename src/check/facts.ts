import type { ErrorKind } from '../errors.js'
import type { HostCheck } from '../remote/check-readings.js'

/** Why something could not be looked at. */
export interface Trouble {
  readonly kind: ErrorKind
  readonly what: string
  readonly fix?: string
}

export type Looked<T> =
  { readonly kind: 'seen'; readonly value: T } | { readonly kind: 'failed'; readonly trouble: Trouble }

/** All that `deliver check` has seen. What has no place in the config is undefined. */
export interface CheckFacts {
  readonly config: Looked<ConfigFacts>
  /** Whether all that a deploy reads can be read here. */
  readonly secrets?: Looked<unknown>
  readonly git: Looked<GitFacts>
  readonly tools: ToolFacts
  readonly store?: StoreFacts
  readonly lock?: Looked<LockFacts | undefined>
  /** Migrations that began and have not ended. */
  readonly begun?: Looked<readonly BegunFacts[]>
  readonly pointer?: Looked<PointerFacts>
  readonly fleet?: Looked<FleetFacts>
  readonly hosts: readonly HostLook[]
}

export interface ConfigFacts {
  readonly app: string
  readonly environment: string
  /** Sections that are there, of those that commands need. */
  readonly sections: ReadonlySet<'store' | 'fleet' | 'target' | 'service' | 'health'>
  readonly format: 'tar.zst' | 'tar.gz' | 'tar'
  /** Whether a switch that nobody confirms goes back by itself. */
  readonly guarded: boolean
  /** Whether releases are removed from the store. */
  readonly prunesStore: boolean
}

export interface GitFacts {
  /** `2.39.5` */
  readonly version: string
  /** Undefined when HEAD is detached. */
  readonly branch?: string
  readonly commit: string
  /** Changed files that git tracks. */
  readonly changed: number
  /** Why no tag can be made here. */
  readonly noTags?: string
}

export interface ToolFacts {
  readonly node: string
  /** Whether something here compresses with zstd: Node itself, or the program. */
  readonly zstd: boolean
}

export type StoreStep = 'put' | 'refuse' | 'get' | 'list' | 'write' | 'compare' | 'delete' | 'uploads'

export interface StoreFacts {
  /** `s3://builds/apps` */
  readonly name: string
  /** Of the steps that were tried. `wrong`: the store did something else than it promises. */
  readonly steps: readonly StoreTrial[]
  /** Uploads that began long ago and never ended. */
  readonly unfinished: readonly string[]
}

export interface StoreTrial {
  readonly step: StoreStep
  readonly wrong?: string
  readonly trouble?: Trouble
}

export interface LockFacts {
  readonly id: string
  /** `deploy-api #42 (alice@ci-1) since ...` */
  readonly holder: string
  /** `dead`: it expired, or its process is known to be gone. */
  readonly state: 'held' | 'dead' | 'released'
  /** Of the deploy that holds it, or held it last. */
  readonly fence: number
  /** What is not undone outside of hosts. */
  readonly changed: readonly string[]
}

export interface BegunFacts {
  readonly release: string
  readonly host: string
  /** ISO 8601. */
  readonly at: string
  readonly by: string
}

export interface PointerFacts {
  /** Undefined: nothing was deployed yet. */
  readonly current?: {
    readonly release: string
    readonly generation: number
    readonly movedAt: string
    readonly movedBy: string
    /** Whether the store has the release's record, with the same archive. */
    readonly published: boolean
    /** Objects that it needs and the store lacks, or has in another size. */
    readonly missing: readonly string[]
  }
  /** The fixed key, where the config wants one and there is a release. */
  readonly alias?: Looked<{ readonly name: string; readonly holds: boolean }>
}

export interface FleetFacts {
  /** Why a deploy would take what is left of it for a mistake or an outage. */
  readonly tooSmall?: Trouble
  readonly name: string
  /** All, whatever was selected. */
  readonly hosts: number
  readonly desired?: number
  readonly pending: number
  readonly leftOut: readonly {
    readonly name: string
    readonly because: string
    readonly standby: boolean
  }[]
}

export interface HostLook {
  readonly host: string
  /** The cloud's id that the fleet says it has. */
  readonly instance?: string
  readonly looked: Looked<HostCheck>
  /** What a deploy would refuse it for that it doesn't know of itself. */
  readonly refusals?: readonly { readonly because: string; readonly fix: string }[]
  /** Our clock before and after the look, in ms since 1970. */
  readonly asked: number
  readonly answered: number
}
