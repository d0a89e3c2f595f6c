import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { archiveRelease } from '../../src/build/archive.js'
import { cleanBuilds, type CleanPlan, planClean } from '../../src/build/clean.js'
import { appRepository, commit, git, realClock, recorder, write } from './repository.js'

async function clean(directory: string, keep: number, protect: string[] = []): Promise<CleanPlan> {
  return cleanBuilds({
    git: await openGit(directory),
    clock: realClock,
    reporter: recorder(),
    keep,
    protect,
    lockWait: 5_000,
  })
}

async function build(directory: string, release: string, content?: string): Promise<void> {
  write(directory, { 'node_modules/left/index.js': content ?? release })
  const at = ++builds
  await commit(directory, release, { clock: { ...realClock, now: () => 1_000_000 + at } })
  await archiveRelease({
    git: await openGit(directory),
    reporter: recorder(),
    app: 'api',
    release,
    format: 'tar',
  })
}

let builds = 0

function sizeOf(path: string): number {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

describe('planClean', () => {
  const releases = ['a', 'b', 'c'].map((release, index) => ({ release, builtAt: index }))
  it.each([
    [2, [], ['a']],
    [1, ['a'], ['b']],
    [0, [], ['c', 'b', 'a']],
    [9, [], []],
  ])('keeping %i and %j removes %j', (keep, protect, removed) => {
    const plan = planClean(releases, keep, protect)
    expect(plan.remove.map((each) => each.release)).toEqual(removed)
    expect(plan.keep).toHaveLength(3 - removed.length)
  })
})

describe('cleanBuilds', () => {
  it('removes old tags and archives by when they were built, and no others', async () => {
    const directory = appRepository()
    git(directory, 'tag', 'v1.0.0')
    for (const release of ['z-first', 'm-second', 'a-third']) await build(directory, release)
    git(directory, 'tag', 'copy-of-first', 'z-first')
    const plan = await clean(directory, 2)
    expect(plan.remove.map((each) => each.release)).toEqual(['z-first'])
    expect(git(directory, 'tag').split('\n')).toEqual(['a-third', 'copy-of-first', 'm-second', 'v1.0.0'])
    const archives = readdirSync(join(directory, '.git/deliver/archives'))
    expect(archives.filter((name) => name.startsWith('z-first'))).toEqual([])
    expect(archives.filter((name) => name.startsWith('m-second'))).toHaveLength(4)
    expect((await clean(directory, 2)).remove).toEqual([])
  })

  it('never removes what is protected', async () => {
    const directory = appRepository()
    for (const release of ['r1', 'r2', 'r3']) await build(directory, release)
    expect((await clean(directory, 1, ['r1'])).remove.map((each) => each.release)).toEqual(['r2'])
  })

  it('gives the space back, and keeps what releases share', async () => {
    const directory = appRepository({}, { 'node_modules/shared': randomBytes(300_000).toString('hex') })
    await build(directory, 'r1', randomBytes(2_000_000).toString('hex'))
    await build(directory, 'r2')
    const before = sizeOf(join(directory, '.git'))
    await clean(directory, 1)
    expect(before - sizeOf(join(directory, '.git'))).toBeGreaterThan(4_000_000)
    expect(git(directory, 'fsck', '--full', '--strict', '--no-dangling')).toBe('')
    expect(git(directory, 'show', 'r2:node_modules/shared').length).toBe(600_000)
    expect(await commit(directory, 'r2')).toMatchObject({ outcome: 'unchanged' })
  })

  it('gives the space back after a `git gc`, which leaves our packs alone', async () => {
    const directory = appRepository()
    await build(directory, 'r1', randomBytes(2_000_000).toString('hex'))
    await build(directory, 'r2')
    git(directory, 'gc', '-q', '--prune=now')
    const before = sizeOf(join(directory, '.git'))
    await clean(directory, 1)
    expect(before - sizeOf(join(directory, '.git'))).toBeGreaterThan(4_000_000)
  })

  it.each([['loose'], ['packed']])("keeps the user's unreachable objects when they are %s", async (how) => {
    const directory = appRepository()
    write(directory, { 'server.js': 'stashed' })
    git(directory, 'stash')
    const stash = git(directory, 'rev-parse', 'stash')
    if (how === 'packed') git(directory, 'repack', '-a', '-d', '-q')
    git(directory, 'stash', 'drop')
    for (const release of ['r1', 'r2']) await build(directory, release)
    await clean(directory, 1)
    expect(git(directory, 'show', `${stash}:server.js`)).toBe('stashed')
  })

  it('keeps what a branch made from a prebuilt commit needs', async () => {
    const directory = appRepository()
    for (const release of ['r1', 'r2']) await build(directory, release)
    git(directory, 'branch', 'hotfix', 'r1')
    await clean(directory, 1)
    expect(git(directory, 'show', 'hotfix:node_modules/left/index.js')).toBe('r1')
  })

  it('does nothing to packs when there is nothing to remove', async () => {
    const directory = appRepository()
    await build(directory, 'r1')
    const packs = readdirSync(join(directory, '.git/objects/pack'))
    await clean(directory, 1)
    expect(readdirSync(join(directory, '.git/objects/pack'))).toEqual(packs)
  })

  it('removes archives whose tag has gone', async () => {
    const directory = appRepository()
    for (const release of ['r1', 'r2']) await build(directory, release)
    git(directory, 'tag', '-d', 'r1')
    await clean(directory, 1)
    expect(existsSync(join(directory, '.git/deliver/archives/r1.tar'))).toBe(false)
    expect(existsSync(join(directory, '.git/deliver/archives/r2.tar'))).toBe(true)
  })

  it('leaves the builds of another app of the repository', async () => {
    const directory = appRepository(
      { 'apps/api/a': 'a', 'apps/web/b': 'b' },
      { 'apps/web/node_modules/x': 'x' },
    )
    write(directory, { 'apps/api/node_modules/x': 'x' })
    await commit(join(directory, 'apps/api'), 'api-1')
    await commit(join(directory, 'apps/web'), 'web-1')
    await clean(join(directory, 'apps/api'), 0)
    expect(git(directory, 'tag')).toBe('web-1')
  })
})
