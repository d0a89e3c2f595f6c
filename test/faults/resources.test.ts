/** Hosts whose disk is full, foreign, read-only or broken: nothing is switched anywhere, and once mended all is well. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect } from 'vitest'
import { removeAll } from '../fakes/remove.js'
import { Ground } from './rig/ground.js'
import { immutable, readOnly, small } from './rig/mounts.js'
import { scenario } from './rig/scenario.js'
import { whole } from './rig/whole.js'

let ground: Ground
beforeAll(async () => {
  ground = await Ground.create(2)
  await ground.publish('a', 'b', 'c')
}, 120_000)

const root = (): string => ground.world.hosts[0]?.targetPath ?? ''

/** What takes the fault away, so that a deploy must succeed after it. */
type Plant = () => Promise<() => Promise<void>>

/** Each host has releases a and b, and runs b; then web1 gets its fault, and c is deployed. */
const onRunningHost: Readonly<Record<string, Plant>> = {
  'target.path is read-only': () => readOnly(root()),
  'releases/ is immutable': () => immutable(join(root(), 'releases')),
  '.deliver/ is immutable': () => immutable(join(root(), '.deliver')),
  'target.path is immutable': () => immutable(root()),
}

describe('a host that runs a release', () => {
  for (const [name, plant] of Object.entries(onRunningHost).slice(0, whole ? undefined : 2))
    scenario(`${name}: nothing is switched anywhere`, ['I1', 'I4', 'I9', 'I10', 'I11'], async () => {
      for (const release of ['a', 'b']) expect(await ground.run('deploy', release)).toMatchObject({ code: 0 })
      await refused('c', await plant())
    })
})

const onFreshHost: Readonly<Record<string, Plant>> = {
  'no room for the archive': () => small(root(), 'size=100k'),
  'no room for the tree': () => small(root(), 'size=450k'),
  'no inodes': () => small(root(), 'nr_inodes=16'),
  'releases/ on a file system of its own': () => small(join(root(), 'releases'), 'size=50m'),
  '.deliver/ on a file system of its own': () => small(join(root(), '.deliver'), 'size=50m'),
}

describe('a host that has nothing yet', () => {
  for (const [name, plant] of Object.entries(onFreshHost).slice(0, whole ? undefined : 3))
    scenario(`${name}: nothing is switched anywhere`, ['I1', 'I4', 'I9', 'I10'], async () => {
      expect(await ground.run('deploy', 'b')).toMatchObject({ code: 0 })
      // With its directory the service script would lose sight of the app, which has the port.
      execFileSync(join(ground.place.hostDirectory('web1'), 'bin/service'), ['stop'])
      // Again while the host still prepares its next release there.
      await removeAll(root())
      await refused('c', await plant(), 'web2')
    })
})

/** The deploy changes nothing and names the host; without the fault it goes through. */
async function refused(release: string, mend: () => Promise<void>, only?: string): Promise<void> {
  const before = ground.current('web2')
  const { code, output } = await ground.run('deploy', release)
  expect(code, output).toBe(1)
  expect(output).toMatch(/web1/)
  expect(ground.current('web2')).toBe(before)
  if (only === undefined) expect(ground.current('web1')).toBe(before)
  await mend()
  const again = await ground.run('deploy', release)
  expect(again.code, again.output).toBe(0)
  await ground.expectSettled(release)
}
