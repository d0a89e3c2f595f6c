import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { expect, test } from 'vitest'
import { readRechecked } from '../../../src/remote/readings.js'
import { activate, confirm, recheck } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { expectCode, packTree, stageTree } from './steps.js'

/** Hosts that have v1, staged whole, and run v2. */
async function withTwo(host: LocalHost, shared: readonly string[] = []): Promise<void> {
  for (const release of ['v1', 'v2']) {
    const packed = packTree(host, release)
    expectCode(await stageTree(host, release, { packed, shared }), 0)
    const switching = { fence: 1, release, digest: packed.digest, id: `on-${release}`, guard: 0 }
    expectCode(await host.call(activate(switching)), 0)
    expectCode(await host.call(confirm({ fence: 1, id: `on-${release}`, via: 'deploy' })), 0)
  }
}

const fileOf = (host: LocalHost, release: string): string => {
  const tree = host.at(`releases/${release}`)
  const found = readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .map((path) => `${tree}/${path}`)
    .find((path) => statSync(path).isFile())
  if (found === undefined) throw new Error(`${release} has no file`)
  return found
}

const recheckOf = async (host: LocalHost, release: string) => {
  const reading = readRechecked(await host.call(recheck({ fence: 1, release })))
  return reading.kind === 'ok' ? reading.value : reading
}

onMostShells((makeHost, shell) => {
  test('a release that is as it was staged stays', async () => {
    const host = makeHost()
    await withTwo(host)
    expect(await recheckOf(host, 'v1')).toEqual({ missing: false })
    expect(existsSync(host.at('releases/v1'))).toBe(true)
  })

  // Busybox's find does not tell what a file is known by.
  const known = test.runIf(shell !== 'busybox')
  known('one that was written to is put away, and the file named', async () => {
    const host = makeHost()
    await withTwo(host)
    appendFileSync(fileOf(host, 'v1'), 'x')
    expect(await recheckOf(host, 'v1')).toEqual({ altered: expect.any(String) as string, missing: false })
    expect(readdirSync(host.at('releases'))).toEqual(['v2'])
    expect(existsSync(host.at('.deliver/manifests/v1'))).toBe(false)
    // Asked again, since the answer was lost perhaps.
    expect(await recheckOf(host, 'v1')).toEqual({ missing: true })
  })

  known('also when size and time of the file are as they were', async () => {
    const host = makeHost()
    await withTwo(host)
    const file = fileOf(host, 'v1')
    const { atime, mtime, size } = statSync(file)
    writeFileSync(file, 'x'.repeat(size))
    utimesSync(file, atime, mtime)
    expect(await recheckOf(host, 'v1')).toMatchObject({ altered: expect.any(String) as string })
  })

  test.each([
    ['a file', 'server.js', (path: string) => rmSync(path)],
    ['a directory', 'bin', (path: string) => rmSync(path, { recursive: true })],
    ['a link', 'node_modules/.bin/x', (path: string) => rmSync(path)],
    ['the right to execute', 'bin/start', (path: string) => chmodSync(path, 0o644)],
    [
      'a file for a link',
      'server.js',
      (path: string) => {
        rmSync(path)
        symlinkSync('/etc/hostname', path)
      },
    ],
  ])('one that lost %s is put away', async (_what, path, lose) => {
    const host = makeHost()
    await withTwo(host)
    lose(host.at('releases/v1', path))
    expect(await recheckOf(host, 'v1')).toEqual({ altered: path, missing: false })
    expect(readdirSync(host.at('releases'))).toEqual(['v2'])
  })

  test('what shared paths took the place of is not lost', async () => {
    const host = makeHost()
    await withTwo(host, ['bin/', 'server.js'])
    writeFileSync(host.at('releases/v1/made-by-the-app'), '')
    expect(await recheckOf(host, 'v1')).toEqual({ missing: false })
  })

  test('what runs stays', async () => {
    const host = makeHost()
    await withTwo(host)
    appendFileSync(fileOf(host, 'v2'), 'x')
    expect(await recheckOf(host, 'v2')).toEqual({ missing: false })
    expect(existsSync(host.at('releases/v2'))).toBe(true)
  })
})
