import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { walkDependencies } from '../../src/build/dependencies.js'
import { identify } from '../../src/build/identify.js'
import { readIndex, writeIndex } from '../../src/build/stamp-index.js'
import { idAt } from '../../src/build/tree-id.js'
import { appRepository, commit, type Files, git, scratchDirectory, write } from './repository.js'

const count = 300
/** Enough files for an index to be kept. */
function manyFiles(): Files {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`node_modules/p${at % 7}/f${at}.js`, `content ${at}\n`]),
  )
}

/** Long after the last write, as far as an index knows. */
const later = (): number => Date.now() + 60_000

async function indexed(files: Files = manyFiles()): Promise<{
  directory: string
  read: () => Promise<number>
  save: (since: number) => Promise<void>
}> {
  const directory = scratchDirectory()
  write(directory, files)
  const place = { state: join(directory, '.state'), directory, algorithm: 'sha1' as const }
  const where = { root: directory, algorithm: 'sha1' as const }
  return {
    directory,
    read: async () => {
      const tree = await walkDependencies(directory, ['node_modules'])
      return (await identify(where, tree, await readIndex(place))).read
    },
    save: async (since) => {
      const tree = await walkDependencies(directory, ['node_modules'])
      const { entries } = await identify(where, tree, await readIndex(place))
      await writeIndex(place, { tree, entries, since })
    },
  }
}

const one = (directory: string): string => join(directory, 'node_modules/p0/f0.js')

describe('what an index knows', () => {
  it('is the id of each file that nobody touched', async () => {
    const { read, save } = await indexed()
    expect(await read()).toBe(count)
    await save(later())
    expect(await read()).toBe(0)
  })

  it.each<[string, (path: string) => void]>([
    ['written to', (path) => appendFileSync(path, 'x')],
    ['written to at the same length', (path) => writeFileSync(path, 'CONTENT 0\n')],
    [
      'written to, and given its old time back',
      (path) => {
        const { atime, mtime } = statSync(path)
        writeFileSync(path, 'CONTENT 0\n')
        utimesSync(path, atime, mtime)
      },
    ],
    [
      'replaced by a file of the same time and length',
      (path) => {
        const { atime, mtime } = statSync(path)
        writeFileSync(`${path}.new`, 'CONTENT 0\n')
        utimesSync(`${path}.new`, atime, mtime)
        renameSync(`${path}.new`, path)
      },
    ],
    ['made executable', (path) => chmodSync(path, 0o755)],
  ])('is nothing of a file that was %s', async (_, change) => {
    const { directory, read, save } = await indexed()
    await save(later())
    change(one(directory))
    expect(await read()).toBe(1)
  })

  it('is nothing of what may be written again in the same tick', async () => {
    const { directory, read, save } = await indexed()
    const { ctimeMs } = statSync(one(directory))
    await save(ctimeMs + 50)
    expect(await read()).toBeGreaterThan(0)
    await save(0)
    expect(await read()).toBe(count)
  })

  it.each<[string, (path: string) => void]>([
    ['cut short', (path) => writeFileSync(path, readFileSync(path).subarray(0, -100))],
    [
      'changed by one byte',
      (path) => writeFileSync(path, readFileSync(path, 'latin1').replace('f17.js', 'f18.js'), 'latin1'),
    ],
    ['empty', (path) => writeFileSync(path, '')],
  ])('is nothing when the index is %s', async (_, damage) => {
    const { directory, read, save } = await indexed()
    await save(later())
    const [name = ''] = readdirSync(join(directory, '.state/index'))
    damage(join(directory, '.state/index', name))
    expect(await read()).toBe(count)
  })

  it('is not kept for a few files', async () => {
    const { directory, save } = await indexed({ 'node_modules/a': 'a' })
    await save(later())
    expect(existsSync(join(directory, '.state'))).toBe(false)
  })
})

describe('commitDependencies with an index', () => {
  it('makes the same tree as without, whatever changed', async () => {
    const directory = appRepository({}, manyFiles())
    await commit(directory, 'r1')
    writeFileSync(one(directory), 'changed\n')
    chmodSync(join(directory, 'node_modules/p1/f1.js'), 0o755)
    rmSync(join(directory, 'node_modules/p2/f2.js'))
    symlinkSync('f3.js', join(directory, 'node_modules/p3/link'))
    await commit(directory, 'r2')
    rmSync(join(directory, '.git/deliver/index'), { recursive: true })
    expect(await commit(directory, 'r2')).toMatchObject({ outcome: 'unchanged' })
    expect(git(directory, 'show', 'r2:node_modules/p0/f0.js')).toBe('changed')
    expect(git(directory, 'fsck', '--strict', '--no-dangling')).toBe('')
  })

  it('does not rely on objects that are gone', async () => {
    const directory = appRepository({}, manyFiles())
    await commit(directory, 'r1')
    git(directory, 'tag', '-d', 'r1')
    for (const name of readdirSync(join(directory, '.git/objects/pack')))
      rmSync(join(directory, '.git/objects/pack', name))
    await commit(directory, 'r2')
    expect(git(directory, 'fsck', '--strict', '--no-dangling')).toBe('')
    expect(git(directory, 'show', 'r2:node_modules/p0/f0.js')).toBe('content 0')
  })

  it('keeps one for each work tree of a clone', async () => {
    const directory = appRepository({}, manyFiles())
    const other = join(scratchDirectory(), 'tree')
    git(directory, 'worktree', 'add', '-q', '--detach', other)
    write(other, { ...manyFiles(), 'node_modules/p0/f0.js': 'other\n' })
    await commit(directory, 'r1')
    await commit(other, 'r2')
    await commit(directory, 'r3')
    expect(git(directory, 'show', 'r2:node_modules/p0/f0.js')).toBe('other')
    expect(git(directory, 'show', 'r3:node_modules/p0/f0.js')).toBe('content 0')
    expect(readdirSync(join(directory, '.git/deliver/index'))).toHaveLength(2)
  })
})

describe('idAt', () => {
  it.each(['sha1', 'sha256'] as const)("is git's own id of a tree, in %s", async (algorithm) => {
    const directory = appRepository(
      {},
      {
        'node_modules/a/b/c': 'c',
        'node_modules/a-b': '1',
        'node_modules/a.b': '2',
        'node_modules/a0/x': '3',
        'node_modules/ünï': '4',
        'node_modules/run': '#!/bin/sh',
      },
      `--object-format=${algorithm}`,
    )
    chmodSync(join(directory, 'node_modules/run'), 0o755)
    symlinkSync('a-b', join(directory, 'node_modules/link'))
    writeFileSync(
      Buffer.concat([Buffer.from(`${directory}/node_modules/`), Buffer.from([0xff, 0x20])]),
      'odd',
    )
    await commit(directory)
    const tree = await walkDependencies(directory, ['node_modules'])
    const { entries } = await identify({ root: directory, algorithm }, tree, { idOf: () => undefined })
    const repository = await openGit(directory)
    expect(idAt(repository, 'node_modules', entries)).toBe(git(directory, 'rev-parse', 'r1:node_modules'))
    expect(idAt(repository, 'node_modules/a/b', entries)).toBe(
      git(directory, 'rev-parse', 'r1:node_modules/a/b'),
    )
    expect(idAt(repository, 'node_modules/run', entries)).toBe(
      git(directory, 'rev-parse', 'r1:node_modules/run'),
    )
    expect(idAt(repository, 'node_modules/none', entries)).toBeUndefined()
    const item = { mode: '100644', name: Buffer.from('a') }
    expect(() => repository.treeOf([{ ...item, id: 'no id at all!' }])).toThrow(/another form/)
    // In another order, where those of a directory don't follow one another.
    const mixed = [...entries].sort((a, b) => (a.id < b.id ? -1 : 1))
    expect(idAt(repository, 'node_modules', mixed)).toBe(git(directory, 'rev-parse', 'r1:node_modules'))
    const port = await openGit(directory)
    const head = git(directory, 'rev-parse', 'HEAD')
    const release = git(directory, 'rev-parse', 'r1')
    const tops = [undefined, git(directory, 'rev-parse', 'r1:node_modules')]
    expect(await port.idsAt([head, release], 'node_modules')).toEqual(tops)
  })
})
