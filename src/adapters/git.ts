import { text } from 'node:stream/consumers'
import { DeliverError } from '../errors.js'
import type { Commit, Git, TreeEntry } from '../ports.js'
import { commitsBetween } from './git-between.js'
import { gitEnvironment, nulRecords, startGit } from './git-command.js'
import { openArchive } from './git-archive.js'
import { readContents } from './git-contents.js'
import { openPart } from './git-archive-part.js'
import { importCommit } from './git-import.js'
import { type GitQuery, type OpenedRepository, openRepository } from './git-open.js'
import { reclaimPacks } from './git-packs.js'
import { cacheRef, isObjectId, objectId, readCaches, readTags, tagRef, updateRef } from './git-refs.js'
import { restorePaths } from './git-restore.js'
import { objectIdOf, readChildren, treeBody } from './git-tree.js'

/** Opens the clone that holds a directory. See the Git port for what it promises. */
export async function openGit(directory: string): Promise<Git> {
  const repository = await openRepository(directory)
  const { location, objects, objectFormat, query } = repository
  const scratch = { state: location.state, objects, objectFormat }
  const hash = objectFormat === 'sha256' ? 'sha256' : 'sha1'
  const commit = remembered((id) => readCommit(query, id))
  const fromRoot = (path: string): string =>
    location.subdirectory === '' ? path : `${location.subdirectory}/${path}`
  return {
    location,
    objectHash: hash,
    resolve: (revision) => resolve(query, revision),
    head: async () => {
      const id = await resolve(query, 'HEAD')
      if (id !== undefined) return commit(id)
      throw new DeliverError('precondition', `${location.directory}: the repository has no commit yet`, {
        fix: 'Commit the app first.',
      })
    },
    commit,
    between: (from, to, limit) => commitsBetween(query, { from: objectId(from), to: objectId(to), limit }),
    branch: async () => {
      const answer = await query('symbolic-ref', '--quiet', '--short', 'HEAD')
      return answer.code === 0 ? answer.text.trim() : undefined
    },
    tags: () => readTags(query),
    changes: (except) => readChanges(repository, except),
    entries: (commit, signal) => readEntries(repository, commit, signal),
    importCommit: (stream, options) => importCommit(scratch, stream, options),
    contents: async (commit, paths, limit) =>
      readContents({
        directory: location.directory,
        commit: objectId(commit),
        paths: paths.map((path) => Buffer.concat([Buffer.from(fromRoot('')), path])),
        limit,
        env: gitEnvironment(process.env),
      }),
    idsAt: (commits, path) => readIdsAt(repository, commits, fromRoot(path)),
    archive: async (commit, { verbatim, without = [], signal }) =>
      openArchive({
        scratch,
        commit: objectId(commit),
        subdirectory: location.subdirectory,
        verbatim: verbatim.map(fromRoot),
        without: without.map(fromRoot),
        signal,
      }),
    children: (commit, path) =>
      readChildren(location.directory, commit, path === '' ? location.subdirectory : fromRoot(path)),
    treeOf: (items) => objectIdOf(hash, { type: 'tree', body: treeBody(items) }),
    archivePart: async (part) => openPart(scratch, part),
    setTag: async (name, commit, expected) => updateRef(query, [tagRef(name), objectId(commit)], expected),
    removeTag: async (name, expected) => updateRef(query, ['-d', tagRef(name)], expected),
    caches: () => readCaches(query),
    setCache: async (key, commit, expected) =>
      updateRef(
        query,
        commit === undefined ? ['-d', cacheRef(key)] : [cacheRef(key), objectId(commit)],
        expected,
      ),
    restore: (commit, { verbatim, paths, signal }) =>
      restorePaths({
        scratch,
        commit: objectId(commit),
        top: topOf(location),
        verbatim: verbatim.map(fromRoot),
        paths: paths.map((path) => Buffer.concat([Buffer.from(fromRoot('')), path])),
        signal,
      }),
    reclaim: (signal) => reclaimPacks(location.directory, objects, signal),
  }
}

/** A commit is always the same, once it could be read. */
function remembered(read: (id: string) => Promise<Commit>): (id: string) => Promise<Commit> {
  const known = new Map<string, Commit>()
  return async (id) => {
    const commit = known.get(id) ?? (await read(id))
    known.set(id, commit)
    return commit
  }
}

async function resolve(query: GitQuery, revision: string): Promise<string | undefined> {
  const answer = await query('rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`)
  return answer.code === 0 && isObjectId(answer.text.trim()) ? answer.text.trim() : undefined
}

async function readCommit(query: GitQuery, id: string): Promise<Commit> {
  const format = ['%H', '%T', '%P', '%an', '%ae', '%ct', '%s', '%B'].join('%x00')
  const answer = await query(
    'log',
    '-1',
    '--no-show-signature',
    '--encoding=UTF-8',
    `--format=${format}`,
    objectId(id),
    '--',
  )
  const [found, tree, parents, name, email, time, subject, message] = answer.text.split('\0')
  if (answer.code !== 0 || found !== id || tree === undefined || message === undefined) {
    throw new DeliverError('failed', `commit ${id} can't be read: ${answer.said}`, {
      fix: 'Fetch it, or run `git fsck`.',
    })
  }
  return {
    id,
    tree,
    parents: (parents ?? '').split(' ').filter((parent) => parent !== ''),
    author: { name: name ?? '', email: email ?? '' },
    time: Number(time),
    subject: subject ?? '',
    message: message.replace(/\n+$/, '\n'),
  }
}

async function readChanges(
  { location }: OpenedRepository,
  except: readonly string[],
): Promise<{ tracked: Buffer[]; untracked: number }> {
  const git = startGit({
    command: 'status',
    args: [
      ...[
        '--porcelain=v1',
        '-z',
        '--untracked-files=normal',
        '--no-renames',
        '--ignore-submodules=none',
        '--',
      ],
      ...[':(literal).', ...except.map((path) => `:(exclude,literal)${path}`)],
    ],
    cwd: location.directory,
    env: gitEnvironment(process.env),
  })
  const tracked: Buffer[] = []
  let untracked = 0
  for await (const record of nulRecords(git.stdout)) {
    if (record.subarray(0, 2).equals(untrackedMark)) untracked++
    else tracked.push(withoutPrefix(record.subarray(3), location.subdirectory))
  }
  await git.succeeded
  return { tracked, untracked }
}

const untrackedMark = Buffer.from('??')

async function* readEntries(
  { location }: OpenedRepository,
  commit: string,
  signal?: AbortSignal,
): AsyncGenerator<TreeEntry> {
  const git = startGit({
    command: 'ls-tree',
    args: [
      ...['-r', '-l', '-z', '--full-tree', objectId(commit)],
      ...(location.subdirectory === '' ? [] : ['--', `${location.subdirectory}/`]),
    ],
    cwd: location.directory,
    env: gitEnvironment(process.env),
    signal,
  })
  for await (const record of nulRecords(git.stdout)) {
    const tab = record.indexOf(0x09)
    const [mode, , id = '', size] = record.subarray(0, tab).toString('latin1').split(/ +/)
    const path = withoutPrefix(record.subarray(tab + 1), location.subdirectory)
    yield { kind: kindOf(mode ?? ''), path, id, size: size === '-' ? undefined : Number(size) }
  }
  await git.succeeded
}

/** One process for all. A path can't have a line break in it: see deps-paths.ts. */
async function readIdsAt(
  { location }: OpenedRepository,
  commits: readonly string[],
  path: string,
): Promise<(string | undefined)[]> {
  const git = startGit({
    command: 'cat-file',
    args: ['--batch-check=%(objectname)'],
    cwd: location.directory,
    env: gitEnvironment(process.env),
    stdin: 'pipe',
  })
  git.stdin?.end(commits.map((commit) => `${objectId(commit)}:${path}\n`).join(''))
  const answers = (await text(git.stdout)).split('\n')
  await git.succeeded
  return commits.map((_, at) => (isObjectId(answers[at] ?? '') ? answers[at] : undefined))
}

function kindOf(mode: string): TreeEntry['kind'] {
  if (mode === '120000') return 'link'
  if (mode === '160000') return 'submodule'
  // Histories of old gits hold modes such as 100664.
  return (parseInt(mode, 8) & 0o100) === 0 ? 'file' : 'executable'
}

function withoutPrefix(path: Buffer, subdirectory: string): Buffer {
  return subdirectory === '' ? path : path.subarray(Buffer.byteLength(subdirectory) + 1)
}

/** Where the paths of git begin. */
function topOf({ directory, subdirectory }: OpenedRepository['location']): string {
  return subdirectory === '' ? directory : directory.slice(0, -subdirectory.length - 1)
}
