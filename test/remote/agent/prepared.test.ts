import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { expect, test } from 'vitest'
import type { AgentCall } from '../../../src/remote/wire.js'
import { codes } from '../../../src/remote/answers.js'
import { activate, confirm, prune } from '../../../src/remote/verbs.js'
import { packDelta, stageDelta, type PackedDelta } from './delta-on-disk.js'
import { onMostShells, type LocalHost } from './host.js'
import { listingOf, pack, plant, type Tree } from './release-on-disk.js'
import { expectCode, expectWhole, facts, smallTree, stageTree } from './steps.js'
import { tarOf } from './tar.js'

const old: Tree = {
  ...smallTree,
  'kept/a': 'a',
  'gone/deep/y': 'y',
  changes: 'before',
  'mode!': 'm',
  'old/place': 'moves with its content',
  'becomes-a-dir': '2',
  link: { link: 'kept/a' },
  'odd\nname': 'odd',
}
const next: Tree = {
  ...smallTree,
  'kept/a': 'a',
  changes: 'after',
  mode: 'm',
  'new/place': 'moves with its content',
  'becomes-a-dir/z': '2',
  link: { link: 'changes' },
  'odd\nname': 'odd',
}

const prepare: AgentCall = { verb: 'prepare', args: [['release', 'v1']], readOnly: false }

interface PreparedOptions {
  readonly asked?: boolean
  readonly shared?: readonly string[]
  /** What both releases have besides. */
  readonly extra?: Tree
}

/** A host that runs v1, prepared for the next release, and what brings it to v2. */
async function prepared(
  host: LocalHost,
  { asked = true, shared = [], extra = {} }: PreparedOptions = {},
): Promise<PackedDelta> {
  const [from, to] = [`${host.home}/from`, `${host.home}/to`]
  plant(from, { ...old, ...extra })
  plant(to, { ...next, ...extra })
  const packed = pack(from)
  expectCode(await stageTree(host, 'v1', { packed, id: 'first', shared }), 0)
  expectCode(
    await host.call(activate({ fence: 1, release: 'v1', digest: packed.digest, id: 'a1', guard: 0 })),
    0,
  )
  expectCode(await host.call(confirm({ fence: 1, id: 'a1', via: 'deploy' })), 0)
  if (asked) expectCode(await host.call(prepare), 0)
  return packDelta(from, to, shared)
}

const clone = (host: LocalHost, path = ''): string => host.at('.deliver/prepared/tree', path)

function expectV2(host: LocalHost): void {
  expectV2Alone(host)
  expectWhole(host)
}

/** Where v1 is not what it was. */
function expectV2Alone(host: LocalHost): void {
  expect(listingOf(host.at('releases/v2')).equals(listingOf(`${host.home}/to`))).toBe(true)
  expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
}

/** Writes as a program that puts the time back. */
function overwrite(path: string, text: string): void {
  const { atime, mtime } = statSync(path)
  writeFileSync(path, text)
  utimesSync(path, atime, mtime)
}

onMostShells((makeHost, shell) => {
  test.runIf(shell === 'busybox')('a host without the tools prepares nothing', async () => {
    const host = makeHost()
    await prepared(host, { asked: false })
    expectCode(await host.call(prepare), codes.precondition)
    expectCode(await host.call(prune({ fence: 1, keep: 3, prepare: true })), 0)
    expect(existsSync(host.at('.deliver/prepared'))).toBe(false)
  })

  if (shell === 'busybox') return

  test('the next release is built on what was prepared', async () => {
    const host = makeHost()
    const packed = await prepared(host)
    const directory = lstatSync(clone(host, 'node_modules')).ino
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectV2(host)
    expect(lstatSync(host.at('releases/v2/node_modules')).ino).toBe(directory)
    expect(lstatSync(host.at('releases/v2/kept/a')).ino).toBe(lstatSync(host.at('releases/v1/kept/a')).ino)
    expect(lstatSync(host.at('releases/v2/changes')).ino).not.toBe(
      lstatSync(host.at('releases/v1/changes')).ino,
    )
    expect(existsSync(host.at('.deliver/prepared'))).toBe(false)
    expectCode(
      await host.call(activate({ fence: 1, release: 'v2', digest: packed.digest, id: 'a2', guard: 0 })),
      0,
    )
  })

  const changes: Record<string, (path: string) => void> = {
    'its content': (path) => overwrite(path, 'aftar'),
    'its mode': (path) => chmodSync(path, 0o600),
    'it has another name elsewhere, and the same content': (path) => linkSync(path, `${path}.elsewhere`),
    'it is gone': (path) => rmSync(path),
  }
  test.each(Object.entries(changes))(
    'a file that is not as it was when the release was verified: %s',
    async (what, change) => {
      const host = makeHost()
      const packed = await prepared(host)
      expectCode(await stageDelta(host, 'v2', packed), 0)
      expect(existsSync(host.at('.deliver/manifests/v2/look'))).toBe(true)
      change(host.at('releases/v2/changes'))
      const call = activate({ fence: 1, release: 'v2', digest: packed.digest, id: 'a2', guard: 0 })
      // Only content counts, and what has it is looked at closely.
      const isAltered = what === 'its content'
      expectCode(await host.call(call), isAltered ? codes.verificationFailed : 0)
      expect(existsSync(host.at('releases/v2'))).toBe(!isAltered)
      expect(existsSync(host.at('.deliver/manifests/v2/look'))).toBe(false)
    },
  )

  test('it is no release, and there is one', async () => {
    const host = makeHost()
    await prepared(host)
    expectCode(await host.call(prepare), 0)
    expect((await facts(host)).releases.map(({ release }) => release)).toEqual(['v1'])
    expect(readdirSync(host.at('releases'))).toEqual(['v1'])
    expect(readdirSync(host.at('.deliver')).filter((name) => name.startsWith('prepar'))).toEqual(['prepared'])
  })

  test('a prune that does not want it takes it away', async () => {
    const host = makeHost()
    await prepared(host)
    expectCode(await host.call(prune({ fence: 1, keep: 3 })), 0)
    expect(existsSync(host.at('.deliver/prepared'))).toBe(false)
    expect(readdirSync(host.at('.deliver/trash'))).toEqual([])
  })

  test('what was written to the running release since reaches no other', async () => {
    const host = makeHost()
    const packed = await prepared(host)
    overwrite(host.at('releases/v1/kept/a'), 'b')
    expectCode(await stageDelta(host, 'v2', packed), codes.baseUnfit)
    expect(readdirSync(host.at('releases'))).toEqual(['v1'])
    expect(readdirSync(host.at('.deliver/incoming'))).toEqual([])
  })

  test('what was replaced in the running release since is not taken from there', async () => {
    const host = makeHost()
    const packed = await prepared(host)
    writeFileSync(host.at('releases/v1/other'), 'b')
    renameSync(host.at('releases/v1/other'), host.at('releases/v1/kept/a'))
    writeFileSync(host.at('releases/v1/cache'), 'made by the app')
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectV2Alone(host)
  })

  test('what was changed before is not prepared', async () => {
    const host = makeHost()
    const packed = await prepared(host, { asked: false })
    overwrite(host.at('releases/v1/kept/a'), 'b')
    expectCode(await host.call(prepare), codes.verificationFailed)
    expect(readdirSync(host.at('.deliver')).filter((name) => name.startsWith('prepar'))).toEqual([])
    expectCode(await stageDelta(host, 'v2', packed), codes.baseUnfit)
  })

  test('what the app made beside its files is left behind', async () => {
    const host = makeHost()
    const packed = await prepared(host, { asked: false })
    mkdirSync(host.at('releases/v1/cache'))
    writeFileSync(host.at('releases/v1/cache/x'), 'made by the app')
    expectCode(await host.call(prepare), 0)
    expect(existsSync(clone(host, 'cache'))).toBe(false)
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectV2Alone(host)
  })

  test('what the release has at shared paths comes with each delta, and is not prepared', async () => {
    const host = makeHost()
    const shared = ['log/', 'conf/app.ini']
    const packed = await prepared(host, { shared, extra: { 'log/.keep': '', 'conf/app.ini': 'first' } })
    expect(existsSync(clone(host, 'conf'))).toBe(true)
    expect(['log', 'conf/app.ini'].filter((path) => existsSync(clone(host, path)))).toEqual([])
    const directory = lstatSync(clone(host, 'node_modules')).ino
    expectCode(await stageDelta(host, 'v2', packed, { shared }), 0)
    expect(lstatSync(host.at('releases/v2/node_modules')).ino).toBe(directory)
    expect(readFileSync(host.at('releases/v2/changes'), 'utf8')).toBe('after')
    expect(readlinkSync(host.at('releases/v2/log'))).toBe('../../shared/log')
    expect(readFileSync(host.at('releases/v2/conf/app.ini'), 'utf8')).toBe('first')
  })

  test('a tar without what the release has at a shared path is refused', async () => {
    const host = makeHost()
    const shared = ['log/']
    const packed = await prepared(host, { shared, extra: { 'log/a': 'a' } })
    const without = await packDelta(`${host.home}/from`, `${host.home}/to`, [])
    expectCode(await stageDelta(host, 'v2', { ...packed, tar: without.tar }, { shared }), codes.baseUnfit)
    expect(readdirSync(host.at('releases'))).toEqual(['v1'])
  })

  test('a program that is none any more is not prepared', async () => {
    const host = makeHost()
    const packed = await prepared(host, { asked: false })
    chmodSync(host.at('releases/v1/bin/start'), 0o644)
    expectCode(await host.call(prepare), codes.verificationFailed)
    expectCode(await stageDelta(host, 'v2', packed), codes.baseUnfit)
  })

  test('what a patch names beyond a link is never removed', async () => {
    const host = makeHost()
    const outside = `${host.home}/outside`
    plant(outside, { precious: 'p' })
    const packed = await prepared(host, { extra: { out: { link: outside } } })
    for (const record of ['>./out/precious\0', `-F ${'0'.repeat(64)}  ./out/precious\0`, '-D ./out\0']) {
      const patch = Buffer.concat([packed.patch, Buffer.from(record)])
      const answer = await stageDelta(host, 'v2', { ...packed, patch }, { id: record.slice(1, 2) + 'x' })
      expect(answer.kind).toBe('answer')
      expect(readFileSync(`${outside}/precious`, 'utf8')).toBe('p')
      if (existsSync(host.at('releases/v2'))) break
    }
  })

  test('names with the byte that separates records are right, if not quick', async () => {
    const host = makeHost()
    const extra = { 'a/b': '1', 'a\u0001': '2', 'a\u0001z!': '3', a2: '4' }
    const packed = await prepared(host, { extra })
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectV2(host)
  })

  const odd: Record<string, (host: LocalHost) => void> = {
    'a file more': (host) => writeFileSync(clone(host, 'kept/more'), 'x'),
    'a file less': (host) => rmSync(clone(host, 'kept/a')),
    'another content': (host) => {
      rmSync(clone(host, 'kept/a'))
      writeFileSync(clone(host, 'kept/a'), 'x')
    },
    'another file of the base in its place': (host) => {
      rmSync(clone(host, 'kept/a'))
      linkSync(host.at('releases/v1/server.js'), clone(host, 'kept/a'))
    },
    'another link': (host) => {
      rmSync(clone(host, 'node_modules/.bin/x'))
      execFileSync('ln', ['-s', 'elsewhere', clone(host, 'node_modules/.bin/x')])
    },
    'a device in it': (host) => void execFileSync('mkfifo', [clone(host, 'kept/pipe')]),
    'no tree': (host) => rmSync(host.at('.deliver/prepared/tree'), { recursive: true }),
    'nothing but its name': (host) => {
      rmSync(host.at('.deliver/prepared'), { recursive: true })
      mkdirSync(host.at('.deliver/prepared'))
    },
    'its scan gone': (host) => rmSync(host.at('.deliver/prepared/scan')),
    'of another base': (host) => writeFileSync(host.at('.deliver/prepared/base'), `v1 ${'0'.repeat(64)}\n`),
  }
  test.each(Object.entries(odd))('odd: %s; the release is right all the same', async (_, harm) => {
    const host = makeHost()
    const packed = await prepared(host)
    harm(host)
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectV2(host)
  })

  test('a tar that links to a file outside, with the right content, is refused', async () => {
    const host = makeHost()
    const packed = await prepared(host)
    const outside = `${host.home}/outside`
    plant(outside, { after: 'after' })
    const out = { name: 'out', type: '2', body: '', link: outside } as const
    const into = { name: 'changes', type: '1', body: '', link: 'out/after' } as const
    const tar = Buffer.concat([packed.tar.subarray(0, -1024), tarOf([out, into], Buffer.alloc(1024))])
    const answer = await stageDelta(host, 'v2', { ...packed, tar })
    expect(answer).toMatchObject({ kind: 'answer' })
    expect(readdirSync(host.at('releases'))).toEqual(['v1'])
    expect(statSync(`${outside}/after`).nlink).toBe(1)
  })

  test('whoever changes something ends one that is under way', async () => {
    const host = makeHost()
    const packed = await prepared(host, { asked: false })
    mkdirSync(host.at('.deliver/preparing/tree'), { recursive: true })
    appendFileSync(host.at('.deliver/preparing/owner'), '999999.1\n')
    expectCode(await host.call(prepare), codes.busy)
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectV2(host)
    expect(existsSync(host.at('.deliver/preparing'))).toBe(false)
    expectCode(await host.call(prune({ fence: 1, keep: 3 })), 0)
    expect(readdirSync(host.at('.deliver/trash'))).toEqual([])
  })

  test('a release that is not the one that runs is not kept', async () => {
    const host = makeHost()
    const packed = await prepared(host, { asked: false })
    expectCode(await stageDelta(host, 'v2', packed), 0)
    expectCode(await host.call({ ...prepare, args: [['release', 'v2']] }), codes.lostRace)
    expect(readdirSync(host.at('.deliver')).filter((name) => name.startsWith('prepar'))).toEqual([])
    expect(readFileSync(host.at('releases/v2/changes'), 'utf8')).toBe('after')
  })
})
