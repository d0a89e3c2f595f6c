import type { SecretText } from './secret.js'

export interface TargetConfig {
  /** Absolute, or relative to the login directory. */
  readonly path: string
  readonly keep: number
  readonly shared: readonly string[]
  /** What of a new release is hashed on a host: what the host doesn't know unchanged since an earlier hash, or all of it. */
  readonly verify: 'changed' | 'full'
  /** Whether a host begins the next release by itself, when a deploy is done. */
  readonly prepare: boolean
  /** What a deploy writes on each host beside the release, sorted by path. */
  readonly files?: readonly TargetFile[]
}

/** A file that is made of the config's values and secrets; each release on a host has its own. */
export interface TargetFile {
  /** In the release, where a link leads to it. */
  readonly path: string
  readonly mode: FileMode
  readonly from:
    | { readonly kind: 'env'; readonly values: Readonly<Record<string, SecretText>> }
    | { readonly kind: 'content'; readonly content: SecretText }
}

/** Who may read it: the owner, the group too, or everybody. */
export type FileMode = '600' | '640' | '644'
