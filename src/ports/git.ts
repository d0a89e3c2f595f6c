import type { Readable } from 'node:stream'

export interface GitLocation {
  /** Absolute path of the app: the release's root. */
  readonly directory: string
  /** Where `directory` is in the repository: '' for the root, else like `apps/api`. */
  readonly subdirectory: string
  /** Private to deliver, shared by all work trees of the clone: `<git dir>/deliver`. Made when first needed. */
  readonly state: string
}

export interface Commit {
  readonly id: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: { readonly name: string; readonly email: string }
  /** Seconds since 1970, of the committer. */
  readonly time: number
  readonly subject: string
  /** The whole message, subject included. */
  readonly message: string
}

export interface TreeEntry {
  readonly kind: 'file' | 'executable' | 'link' | 'submodule'
  /** Relative to the release's root, as bytes. */
  readonly path: Buffer
  readonly id: string
  /** Bytes of the blob; undefined for a submodule. */
  readonly size: number | undefined
}

/** An entry of a single tree. */
export interface TreeItem {
  /** As git writes it in trees: 100644, 100755, 120000, 40000, 160000. */
  readonly mode: string
  readonly name: Buffer
  readonly id: string
}

/** Some entries of a tree, for an archive of just these. */
export interface PartOfTree {
  /** What their names have before them in the tar. */
  readonly path: string
  /** In git's order. */
  readonly items: readonly TreeItem[]
  /** Seconds since 1970, of all members. */
  readonly time: number
}

/** What one commit has that another has not. */
export interface CommitsBetween {
  /** Of all, whatever the limit. */
  readonly count: number
  /** Newest first. */
  readonly commits: readonly {
    readonly id: string
    readonly author: string
    /** Seconds since 1970, of the committer. */
    readonly time: number
    readonly subject: string
  }[]
}

/** A blob that the clone doesn't have yet. */
export interface NewBlob {
  readonly id: string
  /** Bytes of its content. */
  readonly size: number
  /** The content as a zlib stream. */
  readonly deflated: AsyncIterable<Buffer> | Iterable<Buffer>
}

export interface ImportOptions {
  /** Blobs that the stream names by their ids. Those that the clone lacks are asked for, each once, and imported first. */
  readonly blobs?: {
    readonly ids: Iterable<string>
    readonly bring: (missing: ReadonlySet<string>) => AsyncIterable<NewBlob>
  }
  readonly signal?: AbortSignal | undefined
}

/**
 * The clone that holds the app. Nothing here touches HEAD, branches, index, work tree or configuration. Names from outside are
 * only ever given to `resolve` and `setTag`; all else takes full object ids. Failures of git are DeliverErrors that carry
 * its message.
 */
export interface Git {
  readonly location: GitLocation
  /** What object ids are hashes by. */
  readonly objectHash: 'sha1' | 'sha256'
  /** The id of the commit that a revision names, or undefined. */
  resolve(revision: string): Promise<string | undefined>
  /** Kind `precondition` when there is no commit yet. */
  head(): Promise<Commit>
  commit(id: string): Promise<Commit>
  /** The commits that `to` has and `from` has not, at most `limit`. Undefined when the clone lacks either, or what lies between. */
  between(from: string, to: string, limit: number): Promise<CommitsBetween | undefined>
  /** The branch of this work tree; undefined when HEAD is detached. */
  branch(): Promise<string | undefined>
  /** All tags, the commits that they lead to, and the email addresses of those commits' authors. */
  tags(): Promise<readonly { readonly name: string; readonly commit: string; readonly author: string }[]>
  /** What differs from HEAD below `directory`, outside of `except` (relative paths). Ignored files don't count. */
  changes(
    except: readonly string[],
  ): Promise<{ readonly tracked: readonly Buffer[]; readonly untracked: number }>
  /** Files, links and submodules of a commit below `directory`, in git's order. */
  entries(commit: string, signal?: AbortSignal): AsyncIterable<TreeEntry>
  /**
   * Runs a `git fast-import` stream that makes one commit on the ref it is given, and keeps its objects as packs. Atomic:
   * on any failure, of git or of the stream, nothing is left. The ref is private; no ref of the clone names the commit yet.
   */
  importCommit(stream: (ref: string) => AsyncIterable<Buffer>, options?: ImportOptions): Promise<string>
  /**
   * What a commit has in files below `directory`, one for each path, as the objects are: no attribute changes them. Rejects when one is
   * not there or is no file, has a newline in its name, or all have more than `limit` bytes.
   */
  contents(commit: string, paths: readonly Buffer[], limit: number): Promise<readonly Buffer[]>
  /** The ids of what each of these commits has at a path below `directory`; undefined where it has nothing. */
  idsAt(commits: readonly string[], path: string): Promise<readonly (string | undefined)[]>
  /**
   * The commit below `directory` as tar, as `git archive` makes it, with one umask and no configuration but the tree's own
   * attributes: files below `verbatim` (relative paths) come as they are whatever any attribute says, and nothing of `without` comes,
   * which must not be all. The stream ends in an error unless git succeeds.
   */
  archive(
    commit: string,
    options: {
      readonly verbatim: readonly string[]
      readonly without?: readonly string[]
      readonly signal?: AbortSignal
    },
  ): Promise<Readable>
  /** The entries of the tree at a path below `directory` ('' for that), in git's order; none when there is no tree. */
  children(commit: string, path: string): Promise<readonly TreeItem[]>
  /** The id of a tree with these entries, which are in git's order. It need not be there. */
  treeOf(items: readonly TreeItem[]): string
  /** A tar of some entries and all that is below them, as `archive` makes it, all verbatim. The same bytes for the same part, always. */
  archivePart(part: PartOfTree & { readonly signal?: AbortSignal | undefined }): Promise<Readable>
  /** Compare-and-set: false, and nothing done, unless the tag is at `expected` (undefined: does not exist). */
  setTag(name: string, commit: string, expected: string | undefined): Promise<boolean>
  /** False, and nothing done, unless the tag is at `expected`. */
  removeTag(name: string, expected: string): Promise<boolean>
  /** The commits that `setCache` keeps, by their keys. */
  caches(): Promise<readonly { readonly key: string; readonly commit: string }[]>
  /** Compare-and-set of `refs/deliver/deps/<key>`, a hex number; undefined removes it. False, and nothing done, unless it is at `expected`. */
  setCache(key: string, commit: string | undefined, expected: string | undefined): Promise<boolean>
  /**
   * Writes files and links of a commit to the work tree, byte for byte, in the place of what is there. `paths` are below the `verbatim`
   * ones, and relative as they are. Some may have been written when it fails, and the caller looks in any case.
   */
  restore(
    commit: string,
    what: {
      readonly verbatim: readonly string[]
      readonly paths: readonly Buffer[]
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<void>
  /** Gives back the space of imported objects that nothing needs any more. Never drops an object that deliver didn't import. */
  reclaim(signal?: AbortSignal): Promise<void>
}
