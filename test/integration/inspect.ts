import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveOf, brokenBodies, readLock, readPointer, type StoreFiles } from './rig/store-files.js'
import { differences, readArchive, readTree, type Shell, type Tree } from './rig/tree.js'

/** A host to look at, through a shell that sees everything (root), not through deliver. */
export interface InspectedHost {
  readonly name: string
  readonly targetPath: string
  readonly shell: Shell
  /** The unit whose process must run in the current release; undefined: nothing is asked about a service. */
  readonly unit?: string
}

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

async function inspectHost(
  host: InspectedHost,
  world: World,
  expected: Expectation,
  archiveTree: (release: string) => Promise<Tree | undefined>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  const seen = await lookAround(host)
  for (const release of seen.releases) {
    const wanted = await archiveTree(release)
    if (wanted === undefined) continue
    const actual = await readTree(host.shell, `${host.targetPath}/releases/${release}`)
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

interface Seen {
  readonly releases: readonly string[]
  /** Where `current` leads; undefined: it is no link. */
  readonly current: string | undefined
  /** Something that is no link stands at `current`. */
  readonly foreignCurrent: boolean
  readonly left: readonly string[]
  readonly guards: readonly string[]
  readonly service: { readonly pid: string; readonly cwd: string }
}

/** One look at everything but the trees, so that the answers belong together. */
async function lookAround(host: InspectedHost): Promise<Seen> {
  const questions = [
    'ls -A releases 2>/dev/null',
    'readlink current',
    '[ -L current ] || [ ! -e current ] || echo there',
    'find .deliver/incoming .deliver/trash -mindepth 1 -maxdepth 1 2>/dev/null',
    // Whatever lies beside the four names of the layout is a temporary that nobody removed.
    "ls -A | grep -vxE 'current|releases|shared|\\.deliver'",
    `pgrep -af '${host.targetPath}/\\.deliver/agent' | grep -v pgrep`,
    host.unit === undefined ? ':' : `systemctl show -p MainPID --value ${host.unit}`,
    host.unit === undefined ? ':' : `readlink "/proc/$(systemctl show -p MainPID --value ${host.unit})/cwd"`,
  ]
  const line = `cd '${host.targetPath}' || exit 1; ${questions.join("; printf '\\0'; ")}; :`
  const { code, stdout, stderr } = await host.shell(line, { encoding: 'latin1', timeout: 60_000 })
  if (code !== 0) throw new Error(`${host.name} can't be inspected: ${stderr}`)
  const answers = stdout.split('\0').map((answer) => answer.split('\n').filter((each) => each !== ''))
  const [
    releases = [],
    current = [],
    foreign = [],
    scratch = [],
    beside = [],
    guards = [],
    pid = [],
    cwd = [],
  ] = answers
  return {
    releases,
    current: current[0],
    foreignCurrent: foreign.length > 0,
    left: [...scratch, ...beside],
    guards,
    service: { pid: pid[0] ?? '0', cwd: cwd[0] ?? '' },
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
