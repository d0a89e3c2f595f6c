import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A control group for each host, in the hierarchies that systemd keeps its units in. Without one, `--keep-unit` puts all
 * hosts into the same group: one host's systemd then removes groups in which another is about to start a unit, and
 * neither ever sees a unit of the same name empty.
 */
export async function makeControlGroups(name: string): Promise<readonly string[]> {
  const groups = (await hierarchies()).map((parent) => join(parent, name))
  for (const group of groups) await mkdir(group, { recursive: true })
  return groups
}

/** Removes what is left of them. Nothing may run there any more; the kernel may still be at it, so a busy one is left. */
export async function removeControlGroups(groups: readonly string[]): Promise<void> {
  for (const group of groups) await removeGroup(group).catch(() => undefined)
}

/** Their files belong to the kernel; a group goes away by rmdir, once its children have. */
async function removeGroup(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(group, entry.name))
  await rmdir(group)
}

/** Below this process' own groups: on a machine with systemd the rest belongs to it. */
async function hierarchies(): Promise<readonly string[]> {
  const own = await readFile('/proc/self/cgroup', 'utf8')
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  return own.split('\n').flatMap((line) => {
    const [, controllers, path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers !== '' && controllers !== 'name=systemd') return []
    const type = controllers === '' ? 'cgroup2 ' : 'cgroup [^ ]*\\bname=systemd\\b'
    const mount = new RegExp(`^\\S+ (\\S+) ${type}`, 'm').exec(mounts)?.[1]
    return mount === undefined ? [] : [join(mount, path)]
  })
}
