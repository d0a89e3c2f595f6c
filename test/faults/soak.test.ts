/**
 * Deploy after deploy with faults that a seed chooses. DELIVER_SOAK: how many (200; in CI's part 3). DELIVER_SEED: a seed that was
 * printed, to see the same again.
 */
import { readdirSync } from 'node:fs'
import { beforeAll, expect } from 'vitest'
import { disturbances } from './rig/disturbances.js'
import { Ground } from './rig/ground.js'
import { scenario } from './rig/scenario.js'
import { whole } from './rig/whole.js'
import { seeded } from './rig/seeded.js'

const seed = Number(process.env['DELIVER_SEED'] ?? Date.now() % 1_000_000)
const rounds = Number(process.env['DELIVER_SOAK'] ?? (whole ? 200 : 3))
const releases = ['a', 'b', 'c', 'd'] as const

let ground: Ground
beforeAll(async () => {
  ground = await Ground.create(3)
  await ground.publish(...releases)
  for (const release of ['a', 'b']) expect(await ground.run('deploy', release)).toMatchObject({ code: 0 })
}, 300_000)

/** What must be where it was when all is over. Files of this process are the hosts' servers and what stands before them. */
function footprint() {
  const [host] = ground.world.hosts
  const below = (path: string) => readdirSync(`${host?.targetPath}/${path}`).sort()
  return {
    deliver: below('.deliver').filter((name) => !/^(agent|prepar)/.test(name)),
    incoming: below('.deliver/incoming'),
    top: below('.'),
    temporaries: ground.temporaries(),
  }
}

const openFiles = () => readdirSync('/proc/self/fd').length

scenario(
  `${rounds} deploys in a row, with faults (DELIVER_SEED=${seed})`,
  ['I1', 'I3', 'I4', 'I6', 'I8', 'I9', 'I10', 'I11', 'I12'],
  async () => {
    const random = seeded(seed)
    const before = footprint()
    const filesBefore = openFiles()
    let now = 'b'
    /** Releases that somebody changed on a host. A deploy of one brings it back as it was published. */
    const changed = new Set<string>()
    for (let round = 1; round <= rounds; round++) {
      const release = random.pick(['a', 'b', 'c', 'd'].filter((each) => each !== now) as ['a', ...string[]])
      const disturbance = random.pick(disturbances)
      const { code, output } = await disturbance.run(ground, random, release)
      const where = `round ${round} of seed ${seed}: ${disturbance.name}, ${now} -> ${release}, ended with ${code}:\n${output}`
      expect(disturbance.codes, where).toContain(code)
      if (disturbance.name.includes('changed in place')) changed.add(now)
      await ground.expectWhole([...changed])
      changed.delete(release)
      // A connection that is lost while old releases are removed is no failure; the next deploy removes them.
      if (code === 0) await ground.expectSettled(release, releases.length, [...changed])
      else {
        const again = await ground.run('deploy', release, '--yes')
        expect(again.code, `${where}\nagain:\n${again.output}`).toBe(0)
        await ground.expectSettled(release, undefined, [...changed])
      }
      now = release
    }
    for (const release of releases.filter((each) => each !== now).slice(0, 2)) {
      expect(await ground.run('deploy', release)).toMatchObject({ code: 0 })
      await ground.expectSettled(release)
    }
    expect(footprint()).toEqual(before)
    expect(openFiles()).toBeLessThanOrEqual(filesBefore + 5)
  },
  3 * 60 * 60_000,
)
