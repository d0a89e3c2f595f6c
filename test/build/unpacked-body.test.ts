import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { unpackedBody } from '../../src/build/unpacked-body.js'
import type { ArchiveFormat } from '../../src/release/release.js'
import { scratchDirectory } from './repository.js'

const { PATH } = process.env
const node = process.execPath

afterEach(() => {
  process.env['PATH'] = PATH
  process.execPath = node
})

/** Several frames, or members, as archives have them. */
const content = Buffer.concat([randomBytes(300_000), Buffer.alloc(3_000_000, 'tar '), randomBytes(1_000)])
const whole = { size: content.length, sha256: createHash('sha256').update(content).digest('hex') }

function packed(format: ArchiveFormat = 'tar.zst'): string {
  const command = { 'tar.zst': 'zstd', 'tar.gz': 'gzip', tar: 'cat' }[format]
  const pieces = [content.subarray(0, 200_000), content.subarray(200_000, 200_001), content.subarray(200_001)]
  const path = join(scratchDirectory(), `it's an "archive".${format}`)
  writeFileSync(path, Buffer.concat(pieces.map((input) => execFileSync(command, options(input)))))
  return path
}

function options(input: Buffer) {
  return { input, env: { PATH }, maxBuffer: 1 << 24 }
}

/** A script in place of a program. */
function program(name: string, script: string): string {
  const path = join(scratchDirectory(), name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

/** The zstd that comes first in PATH; what it calls `zstd` is the real one. */
function fakeZstd(script: string): { readonly calls: () => number } {
  const fake = program('zstd', `echo >>"$0.calls"\nPATH='${PATH ?? ''}'\n${script}`)
  process.env['PATH'] = `${dirname(fake)}:${PATH ?? ''}`
  return { calls: () => readFileSync(`${fake}.calls`, 'utf8').length }
}

describe('unpackedBody', () => {
  it.each<ArchiveFormat>(['tar.zst', 'tar.gz', 'tar'])(
    'is that of all that a %s unpacks to',
    async (format) => {
      expect(await unpackedBody({ path: packed(format), format })).toEqual(whole)
    },
  )

  it('asks zstd once when all is well', async () => {
    const { calls } = fakeZstd('exec zstd "$@"')
    expect(await unpackedBody({ path: packed(), format: 'tar.zst' })).toEqual(whole)
    expect(calls()).toBe(1)
  })

  /** Only the first call fails: the second one is made in the other way, where Node has no zstd of its own. */
  it.each([
    ['is killed half-way', 'zstd "$@" | head -c 100000; kill -9 $$'],
    ['ends early, in peace but for its exit code', 'zstd "$@" | head -c 100000; exit 1'],
    ['fails when all is out', 'zstd "$@"; exit 1'],
    ['says nothing', 'exit 1'],
  ])('is told in another way when zstd %s', async (_, script) => {
    fakeZstd(`test -e "$0.once" && exec zstd "$@"\n: >"$0.once"\n${script}`)
    expect(await unpackedBody({ path: packed(), format: 'tar.zst' })).toEqual(whole)
  })

  const digest = '0'.repeat(64)
  it.each([
    ['is gone', undefined],
    ['fails at once', 'exit 3'],
    ['fails late', `cat >/dev/null; echo ${digest} 5; exit 1`],
    ['is killed', 'kill -9 $$'],
    ['says nothing', 'cat >/dev/null'],
    ['says garbage', 'cat >/dev/null; echo Segmentation fault'],
    ['says half of it', `cat >/dev/null; echo ${digest}`],
    ['says too much', `cat >/dev/null; echo ${digest} 5; echo ${digest} 5`],
    ['says a shorter digest', `cat >/dev/null; echo ${digest.slice(1)} 5`],
    // zstd's end is told after the pipe broke, or not at all.
    ['does not read to the end', `echo ${digest} 5`],
  ])('is told in another way when who counts %s', async (_, script) => {
    process.execPath = script === undefined ? '/nonexistent/node' : program('node', script)
    expect(await unpackedBody({ path: packed(), format: 'tar.zst' })).toEqual(whole)
  })

  it('is told without a shell', async () => {
    const directory = join(scratchDirectory(), 'bin')
    mkdirSync(directory)
    symlinkSync(execFileSync('which', ['zstd']).toString().trim(), join(directory, 'zstd'))
    process.env['PATH'] = directory
    expect(await unpackedBody({ path: packed(), format: 'tar.zst' })).toEqual(whole)
  })

  it.each<ArchiveFormat>(['tar.zst', 'tar.gz'])('is none of a %s that is cut or damaged', async (format) => {
    const path = packed(format)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, bytes.length - 100))
    await expect(unpackedBody({ path, format })).rejects.toThrow()
    writeFileSync(path, Buffer.from(bytes).fill(0, 100_000, 100_100))
    await expect(unpackedBody({ path, format })).rejects.toThrow()
    writeFileSync(path, 'nothing that was ever packed')
    await expect(unpackedBody({ path, format })).rejects.toThrow()
  })

  it.each<ArchiveFormat>(['tar.zst', 'tar.gz', 'tar'])('is none where there is no %s', async (format) => {
    await expect(unpackedBody({ path: '/nonexistent/archive', format })).rejects.toThrow()
  })

  it('ends at once when nobody wants it any more', async () => {
    const marker = join(scratchDirectory(), 'reading')
    fakeZstd(`echo $$ >'${marker}.new'; mv '${marker}.new' '${marker}'\nexec sleep 600`)
    const stop = new AbortController()
    const found = unpackedBody({ path: packed(), format: 'tar.zst', signal: stop.signal })
    found.catch(() => undefined)
    await expect.poll(() => existsSync(marker), { timeout: 60_000 }).toBe(true)
    stop.abort()
    await expect(found).rejects.toThrow()
    const pid = readFileSync(marker, 'utf8').trim()
    // Gone, once init has taken note.
    const isGone = (): boolean => spawnSync('kill', ['-0', pid]).status !== 0
    await expect.poll(isGone, { timeout: 60_000 }).toBe(true)
  })
})
