import { createHash } from 'node:crypto'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeadProcess, thisMachine } from '../adapters/machine.js'

const prefix = 'deliver-release-'
/** No deploy takes as long: what is older was left by one that was killed, wherever it ran. */
const stale = 24 * 60 * 60_000

/**
 * A directory of our own for a release's files, named for the process that uses it. Those that killed deploys of this user left
 * behind go at the same time: at once where the process is known to be gone, else after a day.
 */
export async function makePrivateDirectory(now: number, parent = tmpdir()): Promise<string> {
  await sweep(parent, now).catch(() => undefined)
  const { pid, machine } = thisMachine()
  return mkdtemp(join(parent, `${prefix}${markOf(machine)}-${pid}-`))
}

/** Several machines or containers may share a directory for temporary files; a process id means something on its own alone. */
function markOf(machine: string | undefined): string {
  return machine === undefined ? 'x' : createHash('sha256').update(machine).digest('hex').slice(0, 12)
}

async function sweep(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const path = join(parent, name)
    const { mtimeMs, uid } = await lstat(path)
    if (uid !== process.getuid?.()) continue
    if (isLeftByTheDead(name) || now - mtimeMs > stale) await rm(path, { recursive: true, force: true })
  }
}

function isLeftByTheDead(name: string): boolean {
  const { machine } = thisMachine()
  const [, mark, pid] = /^deliver-release-([0-9a-f]{12})-(\d+)-/.exec(name) ?? []
  if (machine === undefined || mark !== markOf(machine)) return false
  return isDeadProcess({ machine, pid: Number(pid) })
}
