import type { BuildCache } from './build-cache.js'
import type { HooksConfig } from './hooks.js'
import type { NotifyTarget } from './notify.js'
import type { SigningConfig } from './sections/signing.js'
import type { SecretText } from './secret.js'
import type { SshConfig } from './ssh.js'
import type { TargetConfig } from './target.js'

export type { HostKeyFunction, HostKeySource, KeyedHost, SshConfig } from './ssh.js'
export type { FileMode, TargetConfig, TargetFile } from './target.js'

/** A config after defaults, environment and overrides: every duration in milliseconds, every path as written. */
export interface Config {
  readonly app: string
  /** The environment that this config is for, e.g. `production`. */
  readonly environment: string
  /** The directory of the config file; relative local paths are relative to it. */
  readonly directory: string
  readonly build: BuildConfig
  readonly archive: {
    readonly format: 'tar.zst' | 'tar.gz' | 'tar'
    readonly level?: number
    readonly directory?: string
  }
  readonly store?: StoreConfig
  readonly fleet?: FleetConfig
  readonly ssh: SshConfig
  readonly target?: TargetConfig
  readonly service?: ServiceConfig
  readonly rollout: RolloutConfig
  readonly health?: HealthConfig
  readonly hooks?: HooksConfig
  readonly signing?: SigningConfig
  readonly notify?: readonly NotifyTarget[]
  readonly boot: BootConfig
}

/** How servers that boot install the app by themselves. */
export interface BootConfig {
  readonly fetch: { readonly kind: 'role' | 'presigned' } | { readonly kind: 'url'; readonly url: string }
  /** Undefined: ssh.user. */
  readonly user?: string
  readonly lifecycleHook?: string
  /** Undefined: the one group of the fleet. */
  readonly group?: string
  /** Milliseconds until a server gives up. */
  readonly retryFor: number
}

export interface BuildConfig {
  /** Shell command that builds the app; undefined: the lockfile's own installer. */
  readonly setup?: string
  readonly env: Readonly<Record<string, SecretText>>
  /** Paths, relative to the repository, that `setup` makes and the release needs. Undefined: node_modules, if the app has dependencies. */
  readonly deps?: readonly string[]
  readonly timeout: number
  readonly cache: BuildCache
  /** Prebuilt tags, archives and dependency trees that `clean` leaves. */
  readonly keep: number
}

export interface StoreConfig {
  readonly place: { readonly kind: 'directory'; readonly directory: string } | S3Place
  /** The newest releases that stay, with those in use. Undefined: all stay. */
  readonly keep?: number
  /** A fixed key, relative to the bucket or directory, that always has the pointer's release. */
  readonly alias?: string
}

/** A bucket, or a part of one. What is not set is left to the SDK's chain, or to the bucket. */
export interface S3Place {
  readonly kind: 's3'
  readonly bucket: string
  /** Empty, or without slashes at its ends. */
  readonly prefix: string
  readonly region?: string
  readonly profile?: string
  readonly endpoint?: string
  readonly forcePathStyle?: boolean
  readonly sse?: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
  readonly kmsKey?: string
  readonly acl?:
    | 'private'
    | 'public-read'
    | 'authenticated-read'
    | 'aws-exec-read'
    | 'bucket-owner-read'
    | 'bucket-owner-full-control'
  /** Of objects; documents are STANDARD, because they change often. */
  readonly storageClass?:
    'STANDARD' | 'STANDARD_IA' | 'ONEZONE_IA' | 'INTELLIGENT_TIERING' | 'REDUCED_REDUNDANCY'
}

export type HostConfig =
  | string
  | {
      readonly host: string
      readonly name?: string
      readonly port?: number
      readonly user?: string
      readonly labels?: Readonly<Record<string, string>>
    }

export type FleetFunction = () => readonly HostConfig[] | Promise<readonly HostConfig[]>
/** A fleet that tells its hosts itself. */
export type HostListConfig = { readonly hosts: readonly HostConfig[] } | FleetFunction
export type FleetConfig = HostListConfig | { readonly autoscaling: AutoscalingConfig }

/** What an address function is given. */
export interface FleetInstance {
  readonly id: string
  readonly group: string
  readonly zone: string
  readonly type: string
  readonly privateAddress?: string
  readonly publicAddress?: string
  readonly ipv6Address?: string
  readonly privateName?: string
  readonly publicName?: string
  readonly tags: Readonly<Record<string, string>>
}

export type AddressFunction = (instance: FleetInstance) => string

export interface AutoscalingConfig {
  /** By name, or all groups that carry these tags. */
  readonly groups: { readonly names: readonly string[] } | { readonly tags: Readonly<Record<string, string>> }
  readonly region?: string
  readonly profile?: string
  readonly endpoint?: string
  readonly address: 'private' | 'public' | 'ipv6' | AddressFunction
  /** Lifecycle states of instances that are deployed to. */
  readonly states: readonly string[]
  /** Of the EC2 API, by name. */
  readonly filters: Readonly<Record<string, readonly string[]>>
  /** Milliseconds from its launch until an instance must be in service. */
  readonly bootTimeout: number
}

export interface ServiceConfig {
  readonly manager:
    | { readonly kind: 'systemd'; readonly unit: string; readonly user: boolean }
    | { readonly kind: 'upstart'; readonly job: string }
    | { readonly kind: 'pm2'; readonly name: string; readonly start?: string }
    | {
        readonly kind: 'command'
        readonly restart: string
        readonly stop?: string
        /** Holds the number of the main process; relative to target.path. */
        readonly pidFile?: string
      }
  /** Milliseconds that a restart may take, enforced on the host. */
  readonly timeout: number
  /** A log file whose last lines are shown on failure, relative to target.path; systemd's journal needs none. */
  readonly log?: string
}

/** A count of hosts, or percent of the fleet, rounded down. */
export type BatchSize = { readonly count: number } | { readonly percent: number }

export interface RolloutConfig {
  readonly strategy: 'parallel' | 'rolling'
  /** Of the batches in turn; the last one repeats. A batch is at least one host. */
  readonly batch: readonly BatchSize[]
  /** The most hosts that may be out of service, for whatever reason. Undefined: the largest batch, beside hosts that failed. */
  readonly maxUnavailable?: BatchSize
  /** The first batch, and for how many milliseconds its health is watched before the next. */
  readonly canary?: { readonly hosts: number; readonly bake: number }
  /** The label by which a batch is spread, so that no zone loses all of its hosts at once. */
  readonly spread: string
  /** Hosts that may fail in the whole run without ending it. */
  readonly maxFailures: BatchSize
  /** Hosts that may be out of reach at the start without stopping the deploy. */
  readonly allowUnreachable: number
  readonly onFailure: 'rollback' | 'rollback-host' | 'stop'
  /** Milliseconds between batches. */
  readonly pause: number
  readonly confirm?: readonly ConfirmWhen[]
  readonly migrate?: MigrateConfig
  /** Milliseconds after its switch until an unconfirmed host goes back by itself; 0: never. Undefined: from the deadlines of service and health. */
  readonly guard?: number
  readonly drain: DrainConfig
  /** Milliseconds for taking a batch out of traffic, and again for bringing it back. */
  readonly drainTimeout: number
}

/** What takes a batch out of traffic while it is switched. */
export type DrainConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'standby' }
  /** Names or ARNs. */
  | { readonly kind: 'targetGroups'; readonly groups: readonly string[] }
  | { readonly kind: 'loadBalancers'; readonly names: readonly string[] }

export type ReleaseInAnswer = { readonly header: string } | { readonly body: true }

/** When a release needs a person's yes. */
export type ConfirmWhen = 'major' | 'marked' | 'always'

export interface MigrateConfig {
  readonly run: string
  /** Milliseconds, enforced on the host. */
  readonly timeout: number
  /** Name, glob or label=value; undefined: the first host of the deploy. */
  readonly host?: string
}

export interface HealthConfig {
  readonly check:
    | {
        readonly kind: 'http'
        readonly url: string
        readonly status: readonly number[]
        readonly headers: Readonly<Record<string, SecretText>>
        /** Text that the body contains. */
        readonly contains?: string
        /** Where the answer names the release that gave it. */
        readonly release?: ReleaseInAnswer
        /** Certificates are not verified. */
        readonly insecure?: boolean
      }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'command'; readonly command: string }
  /** Good answers in a row. */
  readonly successes: number
  /** Milliseconds that they span at least, all from one process. */
  readonly minUptime: number
  readonly interval: number
  /** Milliseconds for one probe. */
  readonly timeout: number
  /** Milliseconds from the restart until the host must have settled. */
  readonly deadline: number
}
