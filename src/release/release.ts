/** One entry of a release's tree. Paths are relative to the release, without a leading `./`. */
export type ManifestEntry =
  | {
      readonly type: 'file'
      readonly path: Buffer
      readonly executable: boolean
      readonly size: number
      readonly sha256: string
    }
  | { readonly type: 'link'; readonly path: Buffer; readonly target: Buffer }
  | { readonly type: 'directory'; readonly path: Buffer }

/** Every entry of a release, sorted by path bytes. Paths are bytes: git doesn't promise that they are UTF-8. */
export interface Manifest {
  readonly entries: readonly ManifestEntry[]
}

export type ArchiveFormat = 'tar.zst' | 'tar.gz' | 'tar'

/** A body in the store: its size in bytes and the sha256 of all of it, in hex. */
export interface Body {
  readonly size: number
  readonly sha256: string
}

/**
 * `release.json`: what the store knows of a release. It is written last, so a release exists when this does.
 * The same build gives the same record: nothing in it depends on when or where `publish` ran, only the marks that it was given.
 */
export interface ReleaseRecord {
  readonly version: 1
  readonly app: string
  readonly release: string
  /** The commit that the tag names: source and dependencies. */
  readonly commit: string
  /** The commit that was built. */
  readonly source: {
    readonly commit: string
    readonly branch?: string
    readonly author: string
    readonly subject: string
    readonly time: string
  }
  /** `version` of the app's package.json. */
  readonly appVersion?: string
  /** Why this release needs a person's yes: what `rollout.confirm` asks about. */
  readonly confirm?: string
  /** The oldest release that hosts may go back to from this one. */
  readonly oldestRollback?: string
  readonly archive: Body & { readonly format: ArchiveFormat }
  /** The archive's tar before compression. */
  readonly tar: Body
  /** `manifest.json.zst` or `manifest.json.gz` in the store; `digest` is the sha256 of the host listing (see release/listing.ts). */
  readonly manifest: Body & {
    readonly file: string
    readonly entries: number
    readonly bytes: number
    readonly digest: string
  }
}
