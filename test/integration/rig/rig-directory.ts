import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from './cache.js'
import { command, mustRun } from './command.js'
import { removeControlGroups } from './control-groups.js'
import { releaseNetwork } from './network.js'
import {
  identify,
  isAlive,
  killAndWait,
  killContainer,
  readProcessFile,
  writeProcessFile,
} from './processes.js'

/**
 * What a rig holds on this machine, so that a later run can take it back if this one is killed:
 *
 *     rigs/<bridge>/owner          the process that started the rig
 *     rigs/<bridge>/<host>/        nspawn.pid, init.pid, control-groups, root (overlay mount), upper, work, srv
 */
async function rigsDirectory(): Promise<string> {
  return join(await cacheDirectory(), 'rigs')
}

export async function createRigDirectory(bridge: string): Promise<string> {
  const directory = join(await rigsDirectory(), bridge)
  await mkdir(directory, { recursive: true })
  const self = await identify(process.pid)
  if (self !== undefined) await writeProcessFile(join(directory, 'owner'), self)
  return directory
}

/** Ends what a rig started and removes what it made. Idempotent; works from the directory alone. */
export async function removeRig(directory: string, bridge: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  for (const entry of entries.filter((each) => each.isDirectory()))
    await removeMachine(join(directory, entry.name))
  await releaseNetwork(bridge)
  await rm(directory, { recursive: true, force: true })
}

async function removeMachine(directory: string): Promise<void> {
  const nspawn = await readProcessFile(join(directory, 'nspawn.pid'))
  if (nspawn !== undefined) await killContainer(nspawn)
  // Somebody may have killed nspawn alone; its container lives on without a parent to ask.
  const init = await readProcessFile(join(directory, 'init.pid'))
  if (init !== undefined) await killAndWait(init)
  const groups = await readFile(join(directory, 'control-groups'), 'utf8').catch(() => '')
  await removeControlGroups(groups.split('\n').filter(Boolean))
  for (const mount of ['root', 'srv'])
    if ((await command('mountpoint', ['-q', join(directory, mount)])).code === 0)
      await mustRun('umount', [join(directory, mount)])
  await rm(directory, { recursive: true, force: true })
}

/** Removes the rigs of runs that were killed before they could. Rigs whose owner lives are left alone. */
export async function sweepDeadRigs(): Promise<void> {
  const rigs = await rigsDirectory()
  for (const bridge of await readdir(rigs).catch(() => [])) {
    const owner = await readProcessFile(join(rigs, bridge, 'owner'))
    if (owner === undefined || (await isAlive(owner))) continue
    // Another test file may be at the same one; what neither can remove is for the next run.
    await removeRig(join(rigs, bridge), bridge).catch(() => undefined)
  }
}
