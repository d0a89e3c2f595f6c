import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lookAround, type InspectedHost, type Seen } from './rig/look-around.js'
import { archiveOf, brokenBodies, readLock, readPointer, type StoreFiles } from './rig/store-files.js'
import { differences, readArchive, readTree, type Tree } from './rig/tree.js'

export interface World {
  readonly hosts: readonly InspectedHost[]
  readonly store: StoreFiles
  /** Paths of target.shared: links that deliver puts over what the release has there. */
  readonly shared?: readonly string[]
}

export interface Expectation {
  /** What `current` names: on all hosts, or by host name. `null`: there is none. */
  readonly current?: string | null | Readonly<Record<string, string | null>>
  /** What the pointer names. `null`: there is none. */
  readonly pointer?: string | null
  /** At most so many releases on each host. */
  readonly keep?: number
  /** Whether a lock that is still held is fine, as after a SIGKILL. */
  readonly lockMayBeHeld?: boolean
  /** Whether scratch and an unconfirmed switch are fine, as after a SIGKILL. */
  readonly unfinished?: boolean
}

/**
 * What is wrong with the world: hosts, store and processes, seen without deliver. Whatever happened, every release on every
 * host must be complete, `current` must name one of them, and archives must be what their records say; the rest is
 * what `expected` says. Empty when all is well.
 */
export async function inspectWorld(world: World, expected: Expectation = {}): Promise<readonly string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'inspect-'))
  const archives = new Map<string, Promise<Tree | undefined>>()
  const archiveTree = (release: string) => {
    const known = archives.get(release) ?? unpack(world.store, release, scratch)
    archives.set(release, known)
    return known
  }
  try {
    const found = await Promise.all(
      world.hosts.map((host) => inspectHost(host, world, expected, archiveTree)),
    )
    return [...found.flat(), ...(await inspectStore(world.store, expected))]
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function unpack(store: StoreFiles, release: string, scratch: string): Promise<Tree | undefined> {
  const archive = await archiveOf(store, release)
  return archive === undefined ? undefined : readArchive(archive, join(scratch, release))
}

/**
 * A guard looks once a second whether it is still needed, and what a prune took away is removed when nobody waits: on a busy machine
 * that can be long.
 */
async function lookWhenSettled(host: InspectedHost, expected: Expectation): ReturnType<typeof lookAround> {
  for (let left = 30; ; left -= 1) {
    const seen = await lookAround(host)
    const settled = seen.guards.length === 0 && seen.left.length === 0
    if (settled || expected.unfinished === true || left === 0) return seen
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function inspectHost(
  host: InspectedHost,
  world: World,
  expected: Expectation,
  archiveTree: (release: string) => Promise<Tree | undefined>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  const seen = await lookWhenSettled(host, expected)
  for (const release of seen.releases) {
    const wanted = await archiveTree(release)
    if (wanted === undefined) continue
    const actual = await readUnlessRemoved(host, expected, release)
    if (actual === undefined) continue
    const different = differences(wanted, actual, world.shared)
    if (different.length > 0) wrong.push(`release ${release} is not its archive: ${different.join('; ')}`)
  }
  if (expected.keep !== undefined && seen.releases.length > expected.keep)
    wrong.push(
      `${seen.releases.length} releases where ${expected.keep} are kept: ${seen.releases.join(', ')}`,
    )
  if (seen.foreignCurrent) wrong.push('current is not a link')
  const named = seen.current?.replace(/^releases\//, '') ?? null
  if (named !== null && (seen.current !== `releases/${named}` || !seen.releases.includes(named)))
    wrong.push(`current leads to ${seen.current}, which is no release here`)
  const wanted = currentOf(expected, host.name)
  if (wanted !== undefined && wanted !== named) wrong.push(`current is ${named}, not ${wanted}`)
  if (expected.unfinished !== true) {
    if (seen.left.length > 0) wrong.push(`left behind: ${seen.left.join(', ')}`)
    if (seen.guards.length > 0) wrong.push(`still running: ${seen.guards.join(', ')}`)
  }
  if (host.unit !== undefined && named !== null) wrong.push(...wrongService(host, host.unit, named, seen))
  return wrong.map((each) => `${host.name}: ${each}`)
}

/** What a run that was cut off has begun on a host goes on there: an old release may go away while it is looked at. */
async function readUnlessRemoved(
  host: InspectedHost,
  { unfinished }: Expectation,
  release: string,
): Promise<Tree | undefined> {
  try {
    return await readTree(host.shell, `${host.targetPath}/releases/${release}`)
  } catch (error) {
    if (unfinished === true && !(await lookAround(host)).releases.includes(release)) return undefined
    throw error
  }
}

function currentOf(expected: Expectation, host: string): string | null | undefined {
  const { current } = expected
  return typeof current === 'object' && current !== null ? current[host] : current
}

/** The unit's main process lives in the current release. */
function wrongService(
  host: InspectedHost,
  unit: string,
  release: string,
  { service: { pid, cwd } }: Seen,
): readonly string[] {
  if (pid === '0') return [`${unit} does not run`]
  const home = `${host.targetPath}/releases/${release}`
  return cwd === home ? [] : [`${unit} (pid ${pid}) runs in ${cwd}, not in ${home}`]
}

async function inspectStore(store: StoreFiles, expected: Expectation): Promise<readonly string[]> {
  const wrong: string[] = []
  const pointer = await readPointer(store)
  const named = typeof pointer?.['release'] === 'string' ? pointer['release'] : null
  if (expected.pointer !== undefined && named !== expected.pointer)
    wrong.push(`store: the pointer names ${named}, not ${expected.pointer}`)
  if (named !== null) wrong.push(...(await brokenBodies(store, named)))
  const lock = await readLock(store)
  if (lock !== undefined && lock['released'] !== true && expected.lockMayBeHeld !== true)
    wrong.push(`store: the lock is held: ${JSON.stringify(lock)}`)
  return wrong
}
