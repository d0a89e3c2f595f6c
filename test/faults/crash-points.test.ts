/** The program is killed right before every call that changes what others see on its disk, its store and the checkout included. */
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect } from 'vitest'
import { brokenBodies } from '../integration/rig/store-files.js'
import { crashAt, visible, type Visible } from './rig/crash-points.js'
import { Ground } from './rig/ground.js'
import { scenario, type Invariant } from './rig/scenario.js'
import { whole } from './rig/whole.js'

let ground: Ground
beforeAll(async () => {
  ground = await Ground.create(2)
  await ground.publish('a', 'b', 'c')
  expect(await ground.run('deploy', 'a')).toMatchObject({ code: 0 })
}, 120_000)

interface Story {
  readonly calls: readonly Visible[]
  readonly invariants: readonly Invariant[]
  /** What comes before a run that is killed; returns the words of the run. */
  readonly prepare: () => Promise<readonly string[]>
  /** Looked at once the run was killed, or got through. */
  readonly after: (words: readonly string[]) => Promise<void>
  /** Looked at once the same words have run again. */
  readonly settled: (words: readonly string[]) => Promise<void>
}

/** All points, or in CI every so many. */
const step = whole ? 1 : 14

/** Kills the run at each point until one gets through, and runs the same again each time. Returns how often it was killed. */
async function atEachPoint(call: Visible, { prepare, after, settled }: Story): Promise<number> {
  for (let [at, killings] = [whole ? 1 : 1 + (visible.indexOf(call) % 3), 0]; ; at += step, killings += 1) {
    const words = await prepare()
    const { killed, finished } = await crashAt(ground, { call, at }, words)
    await after(words)
    if (!killed) expect(finished.code, finished.output).toBe(0)
    const again = await ground.run(...words)
    expect(
      again.code,
      `${words.join(' ')}, killed at ${call} ${at}:\n${finished.output}\n${again.output}`,
    ).toBe(0)
    await settled(words)
    if (!killed) return killings
  }
}

function tell(name: string, story: Story): void {
  describe(name, () => {
    for (const call of story.calls)
      scenario(`${name} killed before every ${call}`, story.invariants, async ({ expect }) => {
        const killings = await atEachPoint(call, story)
        if (whole) expect(killings).toBeGreaterThan(0)
      })
  })
}

const turns = ['b', 'c', 'a'] as const
let turn = -1
const nextRelease = (): string => turns[(turn = (turn + 1) % turns.length)] ?? 'a'

tell('deploy', {
  calls: ['rename', 'unlink', 'link', 'mkdir', 'fsync'],
  invariants: ['I1', 'I4', 'I8', 'I9', 'I11'],
  prepare: async () => ['deploy', nextRelease(), '--yes'],
  after: () => ground.expectWhole(),
  settled: ([, release = '']) => ground.expectSettled(release),
})

tell('rollback', {
  calls: ['rename', 'link'],
  invariants: ['I1', 'I4', 'I8', 'I9', 'I11'],
  prepare: async () => ['rollback', nextRelease(), '--yes'],
  after: () => ground.expectWhole(),
  // A rollback removes nothing.
  settled: ([, release = '']) => ground.expectSettled(release, turns.length),
})

let builds = 0
const built = async (...steps: readonly string[]): Promise<string> => {
  const tag = `built-${(builds += 1)}`
  ground.place.change(tag)
  for (const step of ['setup', ...steps]) {
    const done = await ground.run(step, ...(step === 'setup' ? [] : ['--tag', tag]))
    if (done.code !== 0) throw new Error(`${step} ended with ${done.code}:\n${done.output}`)
  }
  return tag
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: ground.place.directory, encoding: 'utf8' })

tell('publish', {
  calls: whole ? ['rename', 'link', 'mkdir', 'fsync', 'unlink'] : ['link'],
  invariants: ['I3', 'I4', 'I9'],
  prepare: async () => ['publish', '--tag', await built('commit-deps')],
  after: () => ground.expectWhole(),
  settled: async ([, , release = '']) => expect(await brokenBodies(ground.world.store, release)).toEqual([]),
})

tell('commit-deps', {
  calls: whole ? ['rename', 'link', 'mkdir', 'unlink'] : ['rename'],
  invariants: ['I9'],
  prepare: async () => ['commit-deps', '--tag', await built()],
  after: async () => {
    // The branch, the index and the work tree are the user's own.
    expect(git('status', '--porcelain')).toBe('')
    expect(git('log', '-1', '--format=%s')).toMatch(/^Say built-/)
    git('fsck', '--connectivity-only')
  },
  settled: async ([, , tag = '']) =>
    expect(git('ls-tree', '-r', '--name-only', tag)).toContain('node_modules/greet/index.js'),
})

scenario('after all of that an undisturbed deploy leaves nothing behind', ['I9', 'I12'], async () => {
  const release = nextRelease()
  await ground.publish('last')
  expect(await ground.run('deploy', 'last')).toMatchObject({ code: 0 })
  expect(await ground.run('deploy', release)).toMatchObject({ code: 0 })
  await ground.expectSettled(release)
  expect(ground.temporaries()).toEqual([])
})
