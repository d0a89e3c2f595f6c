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
  const ask = async (line: string) =>
    (await host.shell(`cd '${host.targetPath}' && { ${line}; }`, { encoding: 'latin1', timeout: 60_000 }))
      .stdout
  const lines = async (line: string) => (await ask(line)).split('\n').filter((each) => each !== '')

  const releases = await lines('ls -A releases 2>/dev/null')
  for (const release of releases) {
    const wanted = await archiveTree(release)
    if (wanted === undefined) continue
    const actual = await readTree(host.shell, `${host.targetPath}/releases/${release}`)
    const different = differences(wanted, actual, world.shared)
    if (different.length > 0) wrong.push(`release ${release} is not its archive: ${different.join('; ')}`)
  }
  if (expected.keep !== undefined && releases.length > expected.keep)
    wrong.push(`${releases.length} releases where ${expected.keep} are kept: ${releases.join(', ')}`)

  const current = (await ask('readlink current')).trim()
  const named = current === '' ? null : current.replace(/^releases\//, '')
  if (current === '' && (await ask('[ ! -e current ] || echo there')) !== '')
    wrong.push('current is not a link')
  if (named !== null && (current !== `releases/${named}` || !releases.includes(named)))
    wrong.push(`current leads to ${current}, which is no release here`)
  const wanted = currentOf(expected, host.name)
  if (wanted !== undefined && wanted !== named) wrong.push(`current is ${named}, not ${wanted}`)

  if (expected.unfinished !== true) {
    const left = await lines('find .deliver/incoming .deliver/trash -mindepth 1 -maxdepth 1 2>/dev/null')
    // Whatever lies beside the four names of the layout is a temporary that nobody removed.
    left.push(...(await lines("ls -A | grep -vxE 'current|releases|shared|\\.deliver'")))
    if (left.length > 0) wrong.push(`left behind: ${left.join(', ')}`)
    const guards = await lines(`pgrep -af '${host.targetPath}/\\.deliver/agent' | grep -v pgrep`)
    if (guards.length > 0) wrong.push(`still running: ${guards.join(', ')}`)
  }
  if (host.unit !== undefined && named !== null) wrong.push(...(await inspectService(host, host.unit, named)))
  return wrong.map((each) => `${host.name}: ${each}`)
}

function currentOf(expected: Expectation, host: string): string | null | undefined {
  const { current } = expected
  return typeof current === 'object' && current !== null ? current[host] : current
}

/** The unit's main process lives in the current release, and it is what listens. */
async function inspectService(
  host: InspectedHost,
  unit: string,
  release: string,
): Promise<readonly string[]> {
  const line = `p=$(systemctl show -p MainPID --value ${unit}); echo "$p"; readlink /proc/$p/cwd`
  const { stdout } = await host.shell(line, { encoding: 'latin1', timeout: 20_000 })
  const [pid = '0', cwd = ''] = stdout.split('\n')
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
