import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { type ArchiveRequest, type ArchiveResult, archiveRelease } from '../../src/build/archive.js'
import { decodeManifest } from '../../src/release/manifest.js'
import type { Manifest } from '../../src/release/release.js'
import { appRepository, commit, type Files, git, recorder, scratchDirectory, write } from './repository.js'

async function archive(
  directory: string,
  release = 'r1',
  options: Partial<ArchiveRequest> = {},
): Promise<ArchiveResult> {
  const request = {
    git: await openGit(directory),
    reporter: recorder(),
    app: 'api',
    release,
    format: 'tar' as const,
  }
  return archiveRelease({ ...request, ...options })
}

async function built(
  files: Files,
  dependencies: Files,
  options: Partial<ArchiveRequest> = {},
): Promise<ArchiveResult> {
  const directory = appRepository(files, dependencies)
  await commit(directory)
  return archive(directory, 'r1', options)
}

function unpack(result: ArchiveResult): string {
  const to = scratchDirectory()
  execFileSync('tar', ['-xf', result.files.archive, '-C', to])
  return to
}

async function manifestOf(result: ArchiveResult): Promise<Manifest> {
  return decodeManifest(readFileSync(result.files.manifest))
}

function paths(manifest: Manifest): string[] {
  return manifest.entries.map((entry) => `${entry.type} ${entry.path.toString()}`)
}

describe('archiveRelease', () => {
  it('archives the app and its dependencies, with their modes and links', async () => {
    const directory = appRepository({ 'bin/start': '#!/bin/sh\n' }, { 'node_modules/a/run.sh': 'run\n' })
    chmodSync(join(directory, 'node_modules/a/run.sh'), 0o700)
    symlinkSync('a/run.sh', join(directory, 'node_modules/run'))
    await commit(directory)
    const result = await archive(directory)
    expect(result.outcome).toBe('created')
    expect(paths(await manifestOf(result))).toEqual([
      'file .gitignore',
      'directory bin',
      'file bin/start',
      'directory node_modules',
      'directory node_modules/a',
      'file node_modules/a/run.sh',
      'link node_modules/run',
      'file package.json',
      'file server.js',
    ])
    const listed = execFileSync('tar', ['-tvf', result.files.archive]).toString()
    expect(listed).toMatch(/-rwxr-xr-x root\/root .* node_modules\/a\/run\.sh/)
    expect(listed).toMatch(/-rw-r--r-- root\/root .* server\.js/)
    expect(listed).toMatch(/drwxr-xr-x root\/root .* bin\//)
    const { record } = result
    expect(record).toMatchObject({
      version: 1,
      app: 'api',
      release: 'r1',
      commit: git(directory, 'rev-parse', 'r1'),
      source: {
        commit: git(directory, 'rev-parse', 'HEAD'),
        author: 'Author',
        subject: 'Add the app',
        time: '2024-02-03T04:05:06.000Z',
      },
      manifest: { file: 'manifest.json.gz', entries: 9 },
    })
    expect(record.tar).toEqual({ size: record.archive.size, sha256: record.archive.sha256 })
  })

  it.each(['tar.zst', 'tar.gz', 'tar'] as const)(
    'compresses as %s what tar unpacks to the same tree',
    async (format) => {
      const result = await built(
        {},
        { 'node_modules/a/big': 'x'.repeat(3_000_000), 'node_modules/a/b c\n"': 'odd' },
        { format },
      )
      expect(result.files.archive).toMatch(new RegExp(`/r1\\.${format.replaceAll('.', '\\.')}$`))
      const to = unpack(result)
      expect(readFileSync(join(to, 'node_modules/a/b c\n"'), 'utf8')).toBe('odd')
      expect(readFileSync(join(to, 'node_modules/a/big')).length).toBe(3_000_000)
      const sum = execFileSync('sha256sum', [result.files.archive]).toString().split(' ')[0]
      expect(result.record.archive.sha256).toBe(sum)
      const tar = format === 'tar.zst' ? ['zstd', '-dc'] : format === 'tar.gz' ? ['gzip', '-dc'] : ['cat']
      const raw = execFileSync(tar[0] ?? '', [...tar.slice(1), result.files.archive], { maxBuffer: 1 << 26 })
      expect(raw.length).toBe(result.record.tar.size)
    },
  )

  it('tells a listing that a host finds in the unpacked tree', async () => {
    const result = await built(
      { 'a-b': '1', 'a/b': '2' },
      { 'node_modules/x/y': '3', 'node_modules/x.z': '4' },
    )
    const script = `export LC_ALL=C
      find . -mindepth 1 -type d -print0 | sed -z 's/^/D /' | sort -z
      find . -type f -print0 | xargs -0 sha256sum -z | sed -z 's/^/F /' | sort -z
      find . -type f -perm -100 -print0 | sed -z 's/^/X /' | sort -z`
    const listing = execFileSync('sh', ['-c', script], { cwd: unpack(result) })
    const digest = execFileSync('sha256sum', { input: listing }).toString().split(' ')[0]
    expect(result.record.manifest.digest).toBe(digest)
  })

  it('gives the same bytes in any clone', async () => {
    const results = [await built({}, { 'node_modules/a': 'a' }), await built({}, { 'node_modules/a': 'a' })]
    expect(results[1]?.record).toEqual(results[0]?.record)
  })

  it('keeps an archive that is there and intact, and makes a damaged one again', async () => {
    const directory = appRepository()
    await commit(directory)
    const first = await archive(directory)
    expect(await archive(directory)).toEqual({ ...first, listing: undefined, outcome: 'reused' })
    writeFileSync(first.files.archive, 'damaged')
    expect((await archive(directory)).outcome).toBe('created')
    writeFileSync(first.files.record, '{"version":1}')
    expect(await archive(directory)).toEqual({ ...first, outcome: 'created' })
    expect((await archive(directory, 'r1', { format: 'tar.gz' })).outcome).toBe('created')
  })

  it('makes it again when the tag has moved', async () => {
    const directory = appRepository()
    await commit(directory)
    const first = await archive(directory)
    write(directory, { 'node_modules/more': 'more' })
    await commit(directory, 'r1', { force: true })
    const second = await archive(directory)
    expect(second.outcome).toBe('created')
    expect(second.record.tar).not.toEqual(first.record.tar)
  })
})

describe('attributes', () => {
  it('of packages change nothing of what was installed', async () => {
    const dependencies = {
      'node_modules/a/.gitattributes':
        'test export-ignore\nkept export-subst ident\n*.txt text eol=crlf\n*.utf working-tree-encoding=UTF-16\n*.f filter=x\n',
      'node_modules/a/test/x.js': 'test',
      'node_modules/a/kept': '$Format:%H$ $Id$\n',
      'node_modules/a/lines.txt': 'one\ntwo\n',
      'node_modules/a/t.utf': 'text\n',
      'node_modules/a/t.f': 'text\n',
    }
    const result = await built(
      { '.gitattributes': '*.txt text eol=crlf\nnode_modules export-ignore\n' },
      dependencies,
    )
    const to = unpack(result)
    for (const [path, content] of Object.entries(dependencies)) {
      expect(readFileSync(join(to, path), 'utf8')).toBe(content)
    }
  })

  it('of the app are honoured', async () => {
    const to = unpack(
      await built(
        {
          '.gitattributes': 'test export-ignore\nversion export-subst\n*.bat text eol=crlf\n',
          'test/x.js': 'test',
          version: '$Format:%s$\n',
          'run.bat': 'go\n',
        },
        { 'node_modules/a': 'a' },
      ),
    )
    expect(readdirSync(to)).not.toContain('test')
    expect(readFileSync(join(to, 'version'), 'utf8')).toBe('Release r1 with its dependencies\n')
    expect(readFileSync(join(to, 'run.bat'), 'utf8')).toBe('go\r\n')
  })

  it('that leave out a directory above the dependencies are an error', async () => {
    const directory = appRepository({ '.gitattributes': 'vendor export-ignore\n' }, { 'vendor/lib/a': 'a' })
    await commit(directory, 'r1', { deps: ['vendor/lib'] })
    await expect(archive(directory)).rejects.toThrow(/vendor\/lib\/a: missing in the archive/)
    expect(readdirSync(join(directory, '.git/deliver/archives'))).toEqual([])
  })

  it('are not taken from the configuration of the clone', async () => {
    const directory = appRepository({ 'a.txt': 'one\n' })
    git(directory, 'config', 'core.autocrlf', 'true')
    git(directory, 'config', 'core.eol', 'crlf')
    git(directory, 'config', 'tar.umask', '0077')
    write(directory, { '.git/info/attributes': '*.txt export-ignore\n' })
    await commit(directory)
    expect(readFileSync(join(unpack(await archive(directory)), 'a.txt'), 'utf8')).toBe('one\n')
  })
})

describe('an app below the root of its repository', () => {
  const long = `${'d'.repeat(60)}/${'e'.repeat(60)}/${'f'.repeat(120)}`

  async function monorepo(): Promise<string> {
    const directory = appRepository(
      {
        '.gitattributes': '*.bat text eol=crlf\napps/*/test export-ignore\n',
        'apps/api/index.js': 'api\n',
        'apps/api/run.bat': 'go\n',
        'apps/api/test/x': 'x',
        [`apps/api/${long}`]: 'long',
        'apps/web/index.js': 'web',
      },
      { 'apps/api/node_modules/b.bat': 'dep\n', [`apps/api/node_modules/${long}`]: 'long' },
    )
    symlinkSync(`${'t'.repeat(50)}/${'u'.repeat(90)}`, join(directory, 'apps/api/node_modules/link'))
    await commit(join(directory, 'apps/api'))
    return directory
  }

  it('is all of the release, under the attributes of the whole repository', async () => {
    const result = await archive(join(await monorepo(), 'apps/api'))
    const to = unpack(result)
    expect(readdirSync(to).sort()).toEqual(['d'.repeat(60), 'index.js', 'node_modules', 'run.bat'])
    expect(readFileSync(join(to, 'run.bat'), 'utf8')).toBe('go\r\n')
    expect(readFileSync(join(to, 'node_modules/b.bat'), 'utf8')).toBe('dep\n')
    expect(readFileSync(join(to, long), 'utf8')).toBe('long')
    expect(readFileSync(join(to, 'node_modules', long), 'utf8')).toBe('long')
    const names = (await manifestOf(result)).entries.map((entry) => entry.path.toString())
    expect(names).toContain(`node_modules/${long}`)
    const listed = execFileSync('tar', ['-tf', result.files.archive]).toString().trim().split('\n')
    expect(listed.map((name) => name.replace(/\/$/, '')).sort()).toEqual([...names].sort())
  })

  it('is not mixed up with another app of the repository', async () => {
    const directory = await monorepo()
    await expect(archive(join(directory, 'apps/web'))).rejects.toThrow(/build of the app in apps\/api/)
    await expect(archive(directory)).rejects.toThrow(/build of the app in apps\/api/)
  })
})

describe('what can not be archived', () => {
  it.each([
    ['no tag', 'r2', /no tag r2/],
    ['a tag of somebody else', 'theirs', /not a build of deliver/],
    ['our commit under another name', 'copy', /not a build of deliver/],
  ])('%s', async (_, release, message) => {
    const directory = appRepository()
    await commit(directory)
    git(directory, 'tag', 'theirs', 'HEAD')
    git(directory, 'tag', 'copy', 'r1')
    await expect(archive(directory, release)).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringMatching(message) as string,
    })
  })

  it('LFS pointers of the app', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`
    const directory = appRepository({ 'video.mp4': pointer }, { 'node_modules/fixture/pointer': pointer })
    await commit(directory)
    await expect(archive(directory)).rejects.toThrow(/^video\.mp4: Git LFS pointers/)
    await commit(directory, 'r2', { deps: ['node_modules', 'video.mp4'] })
    expect((await archive(directory, 'r2')).outcome).toBe('created')
  })

  it('a tree whose objects are damaged leaves no file', async () => {
    const directory = appRepository({ 'a.bin': 'x'.repeat(100_000) })
    await commit(directory)
    const id = git(directory, 'rev-parse', 'HEAD:a.bin')
    const path = join(directory, '.git/objects', id.slice(0, 2), id.slice(2))
    chmodSync(path, 0o644)
    writeFileSync(path, 'damaged')
    await expect(archive(directory, 'r1', { format: 'tar.zst' })).rejects.toThrow(
      /git archive failed \(exit code 128\)/,
    )
    expect(readdirSync(join(directory, '.git/deliver/archives'))).toEqual([])
    expect(readdirSync(join(directory, '.git/deliver')).filter((name) => name.startsWith('scratch'))).toEqual(
      [],
    )
  })

  it.each([
    ['at once', () => 0],
    ['in the first header', () => 511],
    ['after the first header', () => 512],
    ['in a member', (end: number) => end - 1],
    ['after the last member', (end: number) => end],
    ['in its end mark', (end: number) => end + 1023],
  ])('a tar that ends %s, although git was content', async (_, cutAt) => {
    const directory = appRepository()
    await commit(directory)
    const real = await openGit(directory)
    const whole = readFileSync((await archive(directory)).files.archive)
    const end = Math.ceil((whole.toString('latin1').trimEnd().replace(/\0+$/, '').length + 1) / 512) * 512
    const cut = { ...real, archive: async () => Readable.from([whole.subarray(0, cutAt(end))]) }
    await expect(archive(directory, 'r1', { git: cut, format: 'tar.gz' })).rejects.toThrow(/end mark/)
    expect(readdirSync(join(directory, '.git/deliver/archives')).sort()).toEqual([
      'r1.json',
      'r1.manifest.json.gz',
      'r1.parts',
      'r1.tar',
    ])
  })

  it('into a directory that can not be made', async () => {
    const directory = appRepository()
    await commit(directory)
    const to = scratchDirectory()
    writeFileSync(join(to, 'file'), '')
    await expect(archive(directory, 'r1', { directory: join(to, 'file/below') })).rejects.toThrow(
      /ENOTDIR|can't be written/,
    )
  })

  it('a level that the format does not have', async () => {
    const directory = appRepository()
    await commit(directory)
    await expect(archive(directory, 'r1', { format: 'tar.gz', level: 12 })).rejects.toMatchObject({
      kind: 'usage',
    })
  })

  it('without zstd, in a Node without it', async () => {
    if (
      typeof (await import('node:zlib').then((zlib): unknown => Reflect.get(zlib, 'createZstdCompress'))) ===
      'function'
    )
      return
    const directory = appRepository()
    await commit(directory)
    const saved = process.env['PATH']
    const bin = scratchDirectory()
    symlinkSync(execFileSync('sh', ['-c', 'command -v git']).toString().trim(), join(bin, 'git'))
    try {
      process.env['PATH'] = bin
      await expect(archive(directory, 'r1', { format: 'tar.zst' })).rejects.toMatchObject({
        kind: 'precondition',
        fix: expect.stringMatching(/tar\.gz/) as string,
      })
    } finally {
      process.env['PATH'] = saved
    }
    expect(readdirSync(join(directory, '.git/deliver/archives'))).toEqual([])
  })

  it('when it is interrupted', async () => {
    const directory = appRepository()
    await commit(directory)
    const abort = new AbortController()
    abort.abort()
    await expect(archive(directory, 'r1', { signal: abort.signal })).rejects.toThrow()
    expect(readdirSync(join(directory, '.git/deliver/archives'))).toEqual([])
  })
})
