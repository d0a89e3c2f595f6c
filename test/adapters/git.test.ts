import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gitEnvironment } from '../../src/adapters/git-command.js'
import { openGit } from '../../src/adapters/git.js'
import { appRepository, git, scratchDirectory } from '../build/repository.js'

describe('openGit', () => {
  it('finds the app in its repository', async () => {
    const directory = appRepository({ 'apps/api/x': 'x' })
    expect((await openGit(directory)).location).toEqual({
      directory,
      subdirectory: '',
      state: join(directory, '.git/deliver'),
    })
    expect((await openGit(join(directory, 'apps/api'))).location.subdirectory).toBe('apps/api')
  })

  it('takes a link to the directory for the directory', async () => {
    const directory = appRepository()
    const link = join(scratchDirectory(), 'link')
    symlinkSync(directory, link)
    expect((await openGit(link)).location.directory).toBe(directory)
  })

  it('keeps its state where all work trees of a clone share it', async () => {
    const directory = appRepository()
    const tree = join(scratchDirectory(), 'tree')
    git(directory, 'worktree', 'add', '-q', tree)
    expect((await openGit(tree)).location.state).toBe(join(directory, '.git/deliver'))
  })

  it('refuses what is not a work tree, saying why', async () => {
    const plain = scratchDirectory()
    await expect(openGit(plain)).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/not in a git repository/) as string,
    })
    git(plain, 'init', '-q', '--bare', 'bare.git')
    await expect(openGit(join(plain, 'bare.git'))).rejects.toThrow(/has no work tree/)
    await expect(openGit(join(appRepository(), '.git'))).rejects.toThrow(/has no work tree/)
    await expect(openGit(join(plain, 'missing'))).rejects.toMatchObject({ kind: 'usage' })
  })

  it('says that git is missing', async () => {
    const directory = appRepository()
    const saved = process.env['PATH']
    try {
      process.env['PATH'] = '/nonexistent'
      await expect(openGit(directory)).rejects.toMatchObject({
        kind: 'precondition',
        message: expect.stringMatching(/not installed/) as string,
      })
    } finally {
      process.env['PATH'] = saved
    }
  })

  it.each(['git version 2.30.9', 'git version 1.9', '', 'Segmentation fault'])(
    'refuses a git that says %j of itself, whatever else it answers',
    async (version) => {
      const directory = appRepository()
      const bin = scratchDirectory()
      const saved = process.env['PATH'] ?? ''
      const script = `#!/bin/sh\nPATH='${saved}'\ncase " $* " in *' version '*) echo '${version}' ;; *) exec git "$@" ;; esac\n`
      writeFileSync(join(bin, 'git'), script, { mode: 0o755 })
      try {
        process.env['PATH'] = `${bin}:${saved}`
        await expect(openGit(directory)).rejects.toMatchObject({
          kind: 'precondition',
          message: expect.stringMatching(/is too old/) as string,
        })
      } finally {
        process.env['PATH'] = saved
      }
    },
  )

  it('refuses a place that has a line break in its name', async () => {
    const directory = join(scratchDirectory(), 'a\nb')
    mkdirSync(directory)
    git(directory, 'init', '-q')
    await expect(openGit(directory)).rejects.toThrow(/can't tell where its repository is/)
  })

  it('refuses a repository of another user, saying how to trust it', async () => {
    const saved = { ...process.env }
    const directory = appRepository()
    try {
      process.env['GIT_TEST_ASSUME_DIFFERENT_OWNER'] = '1'
      const bin = scratchDirectory()
      const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim()
      // Git's own switch for this is a GIT_ variable, which we take out of the environment.
      writeFileSync(join(bin, 'git'), `#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec '${real}' "$@"\n`, {
        mode: 0o755,
      })
      process.env['PATH'] = `${bin}:${saved['PATH'] ?? ''}`
      await expect(openGit(directory)).rejects.toMatchObject({
        kind: 'precondition',
        message: expect.stringMatching(/another user owns/) as string,
        fix: expect.stringContaining(`safe.directory '${directory}'`) as string,
      })
    } finally {
      delete process.env['GIT_TEST_ASSUME_DIFFERENT_OWNER']
      process.env['PATH'] = saved['PATH']
    }
  })
})

describe('reading', () => {
  it('says that there is no commit yet', async () => {
    const directory = scratchDirectory()
    git(directory, 'init', '-q')
    await expect((await openGit(directory)).head()).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(/no commit yet/) as string,
    })
  })

  it('resolves names to commits, and takes no name for an option', async () => {
    const directory = appRepository()
    const head = git(directory, 'rev-parse', 'HEAD')
    git(directory, 'tag', '-a', '-m', 'x', 'annotated')
    const port = await openGit(directory)
    for (const name of ['HEAD', 'main', 'annotated', head]) expect(await port.resolve(name)).toBe(head)
    for (const name of ['nope', 'HEAD:server.js', '--all', '--git-dir', '', ' ', 'a..b']) {
      expect(await port.resolve(name)).toBeUndefined()
    }
    await expect(port.commit('HEAD')).rejects.toThrow(/not a full object id/)
    await expect(port.commit('0'.repeat(40))).rejects.toThrow(/can't be read/)
    // Again, and after it was read once.
    await expect(port.commit('0'.repeat(40))).rejects.toThrow(/can't be read/)
    expect(await port.commit(head)).toEqual(await port.commit(head))
  })

  it('reads commits with odd messages and names', async () => {
    const directory = appRepository()
    git(
      directory,
      'commit',
      '-q',
      '--allow-empty',
      '--cleanup=verbatim',
      '--author=Jö "x" y <j@x>',
      '-m',
      'Sübject\n\nBody\n\n',
    )
    const head = await (await openGit(directory)).head()
    expect(head).toMatchObject({ subject: 'Sübject', message: 'Sübject\n\nBody\n', time: 1706933106 })
    expect(head.author).toEqual({ name: 'Jö "x" y', email: 'j@x' })
    expect(head.parents).toHaveLength(1)
  })

  it('tells the branch, and none when HEAD is detached', async () => {
    const directory = appRepository()
    expect(await (await openGit(directory)).branch()).toBe('main')
    git(directory, 'checkout', '-q', '--detach')
    expect(await (await openGit(directory)).branch()).toBeUndefined()
  })

  it('lists tags with the commits that they lead to', async () => {
    const directory = appRepository()
    const head = git(directory, 'rev-parse', 'HEAD')
    git(directory, 'tag', 'light')
    git(directory, 'tag', '-a', '-m', 'x', 'heavy')
    git(directory, 'tag', 'blob', 'HEAD:server.js')
    expect(await (await openGit(directory)).tags()).toEqual([
      { name: 'heavy', commit: head, author: 'author@example.com' },
      { name: 'light', commit: head, author: 'author@example.com' },
    ])
  })
})

describe('tags are set and removed by compare-and-set', () => {
  it('only from what was expected', async () => {
    const directory = appRepository()
    const first = git(directory, 'rev-parse', 'HEAD')
    git(directory, 'commit', '-q', '--allow-empty', '-m', 'Next')
    const second = git(directory, 'rev-parse', 'HEAD')
    const port = await openGit(directory)
    expect(await port.setTag('r', first, undefined)).toBe(true)
    expect(await port.setTag('r', second, undefined)).toBe(false)
    expect(await port.setTag('r', second, second)).toBe(false)
    expect(git(directory, 'rev-parse', 'r')).toBe(first)
    expect(await port.setTag('r', second, first)).toBe(true)
    expect(await port.removeTag('r', first)).toBe(false)
    expect(git(directory, 'rev-parse', 'r')).toBe(second)
    expect(await port.removeTag('r', second)).toBe(true)
    expect(await port.removeTag('r', second)).toBe(false)
    await expect(port.setTag('-d', first, undefined)).rejects.toMatchObject({ kind: 'usage' })
  })

  it('by exactly one of many at once', async () => {
    const directory = appRepository()
    const head = git(directory, 'rev-parse', 'HEAD')
    const ports = await Promise.all(Array.from({ length: 8 }, () => openGit(directory)))
    const set = await Promise.allSettled(ports.map((port) => port.setTag('r', head, undefined)))
    expect(set.filter((each) => each.status === 'fulfilled' && each.value)).toHaveLength(1)
  })
})

it('the environment of git has nothing that turns it elsewhere', () => {
  const env = gitEnvironment({
    PATH: '/bin',
    GIT_DIR: 'x',
    GIT_SSH_COMMAND: 'x',
    GIT_CONFIG_COUNT: '1',
    EDITOR: 'vi',
    GIT_CONFIG_GLOBAL: '/g',
    NONE: undefined,
  })
  expect(env).toEqual({
    PATH: '/bin',
    GIT_CONFIG_GLOBAL: '/g',
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
  })
})
