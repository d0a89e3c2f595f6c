import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openGit } from '../../src/adapters/git.js'
import { type ArchiveRequest, type ArchiveResult, archiveRelease } from '../../src/build/archive.js'
import { groupsOf, partsOf } from '../../src/build/archive-parts.js'
import type { PlacedPart } from '../../src/build/known-parts.js'
import type { Git, TreeItem } from '../../src/ports.js'
import { decodeManifest } from '../../src/release/manifest.js'
import { listingBytes } from '../../src/release/listing.js'
import { appRepository, commit, type Files, git, recorder, scratchDirectory, write } from './repository.js'

const formats = ['tar.zst', 'tar.gz', 'tar'] as const

async function archive(
  directory: string,
  release: string,
  options: Partial<ArchiveRequest> = {},
): Promise<ArchiveResult & { readonly warnings: readonly string[]; readonly parts: readonly string[] }> {
  const reporter = recorder()
  const real = await openGit(directory)
  const parts: string[] = []
  const watched: Git = {
    ...real,
    archivePart: async (part) => {
      parts.push(...part.items.map(({ name }) => name.toString()))
      return real.archivePart(part)
    },
  }
  const result = await archiveRelease({
    git: watched,
    reporter,
    app: 'api',
    release,
    format: 'tar.zst',
    ...options,
  })
  return { ...result, warnings: reporter.warnings(), parts }
}

/** Names that make several groups, with what is odd in a tree. */
function packages(): Files {
  const names = Array.from({ length: 30 }, (_, at) => `package-${at}`)
  return {
    ...Object.fromEntries(names.map((name) => [`node_modules/${name}/index.js`, `${name}\n`.repeat(400)])),
    'node_modules/.package-lock.json': '{}',
    'node_modules/@scope/a/.gitattributes': '* export-ignore text eol=crlf export-subst\n',
    'node_modules/@scope/a/text': 'a\nb $Format:%H$\n',
    [`node_modules/@scope/${'long'.repeat(40)}/${'name'.repeat(30)}`]: 'long',
  }
}

async function application(deps = ['node_modules']): Promise<string> {
  const directory = appRepository({}, packages())
  chmodSync(join(directory, 'node_modules/package-1/index.js'), 0o755)
  symlinkSync('../package-2/index.js', join(directory, 'node_modules/package-3/link'))
  await commit(directory, 'r1', { deps })
  return directory
}

/** Another release of the same dependencies. */
async function next(directory: string, release: string, deps = ['node_modules']): Promise<void> {
  write(directory, { 'server.js': `// ${release}\n` })
  git(directory, 'add', 'server.js')
  git(directory, 'commit', '-qm', release)
  await commit(directory, release, { deps })
}

/** Everything of the unpacked tree, by names. */
function unpacked({ files }: ArchiveResult): Record<string, string> {
  const to = scratchDirectory()
  execFileSync('tar', ['-xf', files.archive, '-C', to])
  const found: Record<string, string> = {}
  for (const name of readdirSync(to, { recursive: true, encoding: 'utf8' })) {
    const path = join(to, name)
    const stats = lstatSync(path)
    found[name] = stats.isSymbolicLink()
      ? `-> ${readlinkSync(path)}`
      : `${stats.mode.toString(8)} ${stats.mtimeMs} ${stats.isFile() ? readFileSync(path).toString('base64') : ''}`
  }
  return found
}

/** What another clone of the same commits makes, which knows no earlier archive. */
async function elsewhere(directory: string, release: string, options: Partial<ArchiveRequest>) {
  return archive(directory, release, { ...options, directory: scratchDirectory() })
}

describe.each(formats)('an archive as %s that is made of an earlier one', (format) => {
  it('has the same bytes, manifest and tree as one that is made anew', async () => {
    const directory = await application()
    const first = await archive(directory, 'r1', { format })
    expect(first.parts.length).toBeGreaterThan(30)
    await next(directory, 'r2')
    const copied = await archive(directory, 'r2', { format })
    expect(copied).toMatchObject({ parts: [], warnings: [], outcome: 'created' })
    const anew = await elsewhere(directory, 'r2', { format })
    expect(anew.parts).toEqual(first.parts)
    expect(copied.record).toEqual(anew.record)
    for (const file of ['record', 'manifest', 'parts'] as const)
      expect(readFileSync(copied.files[file]).equals(readFileSync(anew.files[file]))).toBe(true)
    expect(unpacked(copied)).toEqual(unpacked(anew))
    expect(readFileSync(copied.files.archive).equals(readFileSync(anew.files.archive))).toBe(true)
    const tar = format === 'tar.zst' ? ['zstd', '-dc'] : format === 'tar.gz' ? ['gzip', '-dc'] : ['cat']
    const sum = execFileSync('sh', ['-c', `${tar.join(' ')} <"$1" | sha256sum`, 'sh', copied.files.archive])
    expect(sum.toString().split(' ')[0]).toBe(copied.record.tar.sha256)
  })
})

describe('a manifest of copied parts', () => {
  it('is that of the tree, and can be copied from again', async () => {
    const directory = await application()
    await archive(directory, 'r1')
    for (const release of ['r2', 'r3']) {
      await next(directory, release)
      const result = await archive(directory, release)
      expect(result.parts).toEqual([])
      const manifest = await decodeManifest(readFileSync(result.files.manifest))
      const to = scratchDirectory()
      execFileSync('tar', ['-xf', result.files.archive, '-C', to])
      const script = `export LC_ALL=C
        find . -mindepth 1 -type d -print0 | sed -z 's/^/D /' | sort -z
        find . -type f -print0 | xargs -0 sha256sum -z | sed -z 's/^/F /' | sort -z
        find . -type f -perm -100 -print0 | sed -z 's/^/X /' | sort -z
        printf 'L ./node_modules/package-3/link\\0T ../package-2/index.js\\0'`
      const listing = execFileSync('bash', ['-c', script], { cwd: to })
      expect(listing.equals(listingBytes(manifest))).toBe(true)
    }
  })

  it('has one package anew when one has changed', async () => {
    const directory = await application()
    const first = await archive(directory, 'r1')
    write(directory, { 'node_modules/package-7/index.js': 'changed\n' })
    await next(directory, 'r2')
    const second = await archive(directory, 'r2')
    expect(second.parts).toContain('package-7')
    expect(second.parts.length).toBeLessThan(first.parts.length / 2)
    const anew = await elsewhere(directory, 'r2', {})
    expect(second.record).toEqual(anew.record)
    expect(unpacked(second)).toEqual(unpacked(anew))
    expect(unpacked(second)['node_modules/package-7/index.js']).toContain(
      Buffer.from('changed\n').toString('base64'),
    )
  })

  it('has a time of its own for another content', async () => {
    const directory = await application()
    const time = (result: ArchiveResult): string | undefined =>
      unpacked(result)['node_modules/package-7/index.js']?.split(' ')[1]
    const before = time(await archive(directory, 'r1'))
    write(directory, { 'node_modules/package-7/index.js': 'PACKAGE-7\n'.repeat(400) })
    await next(directory, 'r2')
    const after = time(await archive(directory, 'r2'))
    expect(after).not.toBe(before)
    expect(Number(after)).toBeLessThan(Date.now())
  })
})

describe('nothing is copied', () => {
  it.each<[string, (directory: string) => Partial<ArchiveRequest>]>([
    ['when nobody wants it', () => ({ reuse: false })],
    ['into another format', () => ({ format: 'tar.gz' })],
    ['into another level', () => ({ level: 5 })],
    [
      'from an archive without its record',
      (at) => {
        rmSync(join(at, 'r1.json'))
        return {}
      },
    ],
    ['from one of another app', () => ({ app: 'web' })],
    [
      'from an archive whose manifest is not that of its record',
      (at) => {
        writeFileSync(join(at, 'r1.manifest.json.gz'), 'x')
        return {}
      },
    ],
    [
      'where the list of parts is damaged',
      (at) => {
        const text = readFileSync(join(at, 'r1.parts'), 'utf8')
        writeFileSync(join(at, 'r1.parts'), text.slice(0, text.length / 2))
        return {}
      },
    ],
    [
      'where the list is of another archive',
      (at) => {
        const text = readFileSync(join(at, 'r1.parts'), 'utf8')
        writeFileSync(join(at, 'r1.parts'), text.replace(/"archive":"./, '"archive":"g'))
        return {}
      },
    ],
  ])('%s', async (_, change) => {
    const directory = await application()
    await archive(directory, 'r1')
    await next(directory, 'r2')
    const options = change(join(directory, '.git/deliver/archives'))
    const second = await archive(directory, 'r2', options)
    expect(second.parts.length).toBeGreaterThan(30)
    expect(second.record).toEqual((await elsewhere(directory, 'r2', options)).record)
  })
})

describe('an archive that is not what it was', () => {
  it.each<[string, (archive: string) => void]>([
    ['has one other byte', (path) => flip(path, 0.6)],
    ['is cut', (path) => writeFileSync(path, readFileSync(path).subarray(0, 2_000))],
    ['is gone', (path) => rmSync(path)],
    ['is a directory', (path) => execFileSync('sh', ['-c', 'rm "$1"; mkdir "$1"', 'sh', path])],
    [
      'is another one of the same length',
      (path) => writeFileSync(path, Buffer.alloc(lstatSync(path).size, 'x')),
    ],
  ])('%s: it is told, and all is made anew', async (_, damage) => {
    const directory = await application()
    const first = await archive(directory, 'r1')
    await next(directory, 'r2')
    damage(first.files.archive)
    const second = await archive(directory, 'r2')
    expect(second.warnings.join()).toMatch(/r1\.tar\.zst .*made anew/)
    expect(second.parts.length).toBeGreaterThan(30)
    expect(second.record).toEqual((await elsewhere(directory, 'r2', {})).record)
    expect(
      readdirSync(join(directory, '.git/deliver/archives')).filter((name) => /part$/.test(name)),
    ).toEqual([])
  })

  it('lies about bytes that are no archive', async () => {
    const directory = await application()
    const first = await archive(directory, 'r1')
    await next(directory, 'r2')
    const list = JSON.parse(readFileSync(first.files.parts, 'utf8')) as { parts: PlacedPart[] }
    const bytes = readFileSync(first.files.archive)
    const parts = list.parts.map(({ offset, size, ...part }) => {
      const content = bytes.subarray(offset, offset + size).fill(7, 20, 24)
      return { ...part, offset, size, sha256: createHash('sha256').update(content).digest('hex') }
    })
    writeFileSync(first.files.archive, bytes)
    writeFileSync(first.files.parts, JSON.stringify({ ...list, parts }))
    const second = await archive(directory, 'r2')
    expect(second.warnings.join()).toMatch(/r1\.tar\.zst has parts that can't be unpacked.*made anew/)
    expect(second.record).toEqual((await elsewhere(directory, 'r2', {})).record)
  })

  it('lies about what it unpacks to', async () => {
    const directory = await application()
    await archive(directory, 'r1')
    await next(directory, 'r2')
    const list = join(directory, '.git/deliver/archives/r1.parts')
    const text = readFileSync(list, 'utf8')
    writeFileSync(
      list,
      text.replace(/"tarSize":(\d)/, (_, digit: string) => `"tarSize":${Number(digit) + 1}`),
    )
    const second = await archive(directory, 'r2')
    expect(second.warnings.join()).toMatch(/r1\.tar\.zst has parts that unpack to \d+ bytes, not \d+/)
    expect(second.record).toEqual((await elsewhere(directory, 'r2', {})).record)
  })
})

it('works in a repository of SHA-256', async () => {
  const directory = appRepository({}, packages(), '--object-format=sha256')
  await commit(directory)
  expect((await archive(directory, 'r1')).parts.length).toBeGreaterThan(30)
  await next(directory, 'r2')
  const second = await archive(directory, 'r2')
  expect(second.parts).toEqual([])
  expect(second.record).toEqual((await elsewhere(directory, 'r2', {})).record)
})

describe('two at once', () => {
  it('make the same archives, one of which is copied from while it is replaced', async () => {
    const directory = await application()
    const first = await archive(directory, 'r1')
    await next(directory, 'r2')
    await next(directory, 'r3')
    const [r2, again, r3] = await Promise.all([
      archive(directory, 'r2'),
      archive(directory, 'r2', { reuse: false }),
      archive(directory, 'r3'),
    ])
    expect(r2.record).toEqual(again.record)
    expect(r2.record).toEqual((await elsewhere(directory, 'r2', {})).record)
    expect(r3.record).toEqual((await elsewhere(directory, 'r3', {})).record)
    // And one whose source is removed meanwhile, as `clean` does.
    await next(directory, 'r4')
    const [r4] = await Promise.all([
      archive(directory, 'r4'),
      Promise.resolve().then(() => renameSync(first.files.archive, `${first.files.archive}.gone`)),
    ])
    expect(r4.record).toEqual((await elsewhere(directory, 'r4', {})).record)
  })
})

describe('parts', () => {
  it('below other directories and below the root of the repository have all directories in the tar', async () => {
    const directory = appRepository(
      { 'apps/api/index.js': 'api', 'apps/api/packages/b/index.js': 'b', 'apps/web/x': 'x' },
      {
        'apps/api/node_modules/x/index.js': 'x',
        'apps/api/packages/a/node_modules/y/index.js': 'y',
        'apps/api/packages/b/node_modules/z/index.js': 'z',
        'apps/api/vendor/v': 'v',
      },
    )
    const app = join(directory, 'apps/api')
    const deps = ['node_modules', 'packages/a/node_modules', 'packages/b/node_modules', 'vendor']
    await commit(app, 'r1', { deps })
    for (const release of ['r1', 'r2']) {
      if (release !== 'r1') await next(app, release, deps)
      const result = await archive(app, release)
      expect(result.parts).toEqual(release === 'r1' ? ['x', 'y', 'z'] : [])
      const listed = execFileSync('tar', ['-tvf', result.files.archive]).toString().trim().split('\n')
      const names = listed.map((line) => (line.split(/ +/).at(-1) ?? '').replace(/\/$/, ''))
      const manifest = await decodeManifest(readFileSync(result.files.manifest))
      expect([...names].sort()).toEqual(manifest.entries.map((entry) => entry.path.toString()).sort())
      const modes = listed.filter((line) => line.startsWith('d')).map((line) => line.slice(0, 20))
      expect(new Set(modes)).toEqual(new Set(['drwxr-xr-x root/root']))
    }
  })

  it('are none when the release has nothing else, or no such directory', async () => {
    const only = appRepository({}, {})
    git(only, 'rm', '-q', '-r', '--cached', '.')
    git(only, 'commit', '-q', '--allow-empty', '-m', 'nothing')
    write(only, { 'node_modules/a/a.js': 'a' })
    await commit(only, 'r1')
    const opened = await openGit(only)
    expect(await partsOf(opened, git(only, 'rev-parse', 'r1'), ['node_modules'])).toEqual([])
    expect(Object.keys(unpacked(await archive(only, 'r1')))).toContain('node_modules/a/a.js')
    const other = appRepository({}, { 'vendor/a': 'a' })
    await commit(other, 'r1', { deps: ['vendor'] })
    expect(await partsOf(await openGit(other), git(other, 'rev-parse', 'r1'), ['vendor'])).toEqual([])
  })

  it.each([
    ['at once', 0],
    ['in its first header', 511],
    ['before its first member', 1_536],
    ['in a member', 2_100],
    ['before its end mark', -10_240],
  ])('of which git ends the tar %s are no archive', async (_, cutAt) => {
    const directory = await application()
    const real = await openGit(directory)
    const cut: Git = {
      ...real,
      archivePart: async (part) => {
        const whole = await buffer(await real.archivePart(part))
        const end = cutAt < 0 ? whole.toString('latin1').replace(/\0+$/, '').length : cutAt
        return Readable.from([whole.subarray(0, end)])
      },
    }
    await expect(archive(directory, 'r1', { git: cut })).rejects.toThrow(/the archive can't be read/)
    expect(readdirSync(join(directory, '.git/deliver/archives'))).toEqual([])
  })

  it('of which git fails are no archive', async () => {
    const directory = await application()
    const real = await openGit(directory)
    const failing: Git = {
      ...real,
      archivePart: async () => {
        const stream = new PassThrough()
        stream.destroy(new Error('git archive failed'))
        return stream
      },
    }
    await expect(archive(directory, 'r1', { git: failing })).rejects.toThrow(/git archive failed/)
    expect(readdirSync(join(directory, '.git/deliver/archives'))).toEqual([])
    // Nor is anything left of the part that was begun meanwhile.
    let parts = 0
    const second: Git = {
      ...real,
      archivePart: async (part) => (++parts === 1 ? failing.archivePart(part) : real.archivePart(part)),
    }
    await expect(archive(directory, 'r1', { git: second })).rejects.toThrow(/git archive failed/)
    expect(parts).toBe(2)
    expect(readdirSync(join(directory, '.git/deliver')).filter((name) => /^scratch/.test(name))).toEqual([])
  })

  it('are checked against the commit', async () => {
    const directory = await application()
    const real = await openGit(directory)
    // As if a rule of git that nobody knows left something out.
    const partial: Git = {
      ...real,
      archivePart: (part) =>
        real.archivePart({
          ...part,
          items: part.items.filter(({ name }) => name.toString() !== 'package-9'),
        }),
    }
    await expect(archive(directory, 'r1', { git: partial })).rejects.toThrow(
      /node_modules\/package-9\/index\.js: missing in the archive/,
    )
  })
})

describe('groupsOf', () => {
  const item = (name: string): TreeItem => ({ mode: '40000', name: Buffer.from(name), id: '0'.repeat(40) })
  const names = Array.from({ length: 400 }, (_, at) => `name-${at}`).sort()
  const groups = (all: readonly string[]): string[] =>
    groupsOf(all.map(item)).map((group) => group.map(({ name }) => name.toString()).join(' '))

  it('are all items in their order', () => {
    expect(groups(names).join(' ')).toBe(names.join(' '))
    expect(groups(names).length).toBeGreaterThan(50)
    expect(groups([])).toEqual([])
  })

  it('are the same but for two at most, with one name more or less', () => {
    const whole = new Set(groups(names))
    for (const gone of names) {
      const others = groups(names.filter((name) => name !== gone))
      expect(others.filter((group) => !whole.has(group)).length).toBeLessThanOrEqual(2)
    }
  })

  it('keep what installers write apart', () => {
    expect(groups(['.bin', '.package-lock.json', 'a', 'b'])[0]).toBe('.bin .package-lock.json')
  })
})

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  const index = Math.floor(bytes.length * at)
  bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index)
  writeFileSync(path, bytes)
}
