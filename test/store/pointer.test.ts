import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/ports.js'
import { movePointer, readPointer } from '../../src/store/pointer.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { exampleRecord, withWriteFaults } from './examples.js'

const clock = { now: () => Date.UTC(2030, 0, 1) }

const move = (store: Store, release: string, expected?: number, movedBy = 'alice@ci') =>
  movePointer({ store, clock, environment: 'prod', record: exampleRecord(release), expected, movedBy })

describe('the pointer', () => {
  it('tells a booting server all that it needs', async () => {
    const store = createMemoryStore()
    expect(await readPointer(store, 'api', 'prod')).toBeUndefined()
    expect((await move(store, 'v1')).moved).toBe(true)
    const { nonce, ...pointer } = (await readPointer(store, 'api', 'prod')) ?? { nonce: '' }
    const { archive, tar, manifest } = exampleRecord('v1')
    expect(nonce).not.toBe('')
    expect(pointer).toEqual({
      version: 1,
      release: 'v1',
      archive: { ...archive, key: 'api/releases/v1/archive.tar.gz' },
      tar,
      manifest: {
        key: 'api/releases/v1/manifest.json.gz',
        size: manifest.size,
        sha256: manifest.sha256,
        digest: manifest.digest,
      },
      generation: 1,
      movedAt: '2030-01-01T00:00:00.000Z',
      movedBy: 'alice@ci',
    })
  })

  it('tells all of it to a shell, on one line, and what was told before needs no move', async () => {
    const store = createMemoryStore()
    const body = (key: string, size: number, letter: string) => ({ key, size, sha256: letter.repeat(64) })
    const files = {
      agent: body('api/agents/agent-1.sh', 7, 'e'),
      listing: body('api/releases/v1/listing', 8, 'd'),
    }
    const moveWith = (settings: readonly (readonly [string, string])[], expected?: number, fence = 12) =>
      movePointer({
        store,
        clock,
        environment: 'prod',
        record: exampleRecord('v1'),
        expected,
        movedBy: 'alice',
        boot: { fence, files, settings },
      })
    const hostile = `a'b "c" \\ $(id) % \n\té`
    expect((await moveWith([['path', hostile]])).moved).toBe(true)
    const pointer = await readPointer(store, 'api', 'prod')
    expect(pointer).toMatchObject({ ...files, fence: 12 })
    const [line, hash] = pointer?.boot?.split(' line.sha256=') ?? []
    expect(hash).toBe(
      createHash('sha256')
        .update(line ?? '')
        .digest('hex'),
    )
    expect(line).toBe(
      [
        '1 generation=1 fence=12 release=v1 format=tar.gz',
        `archive.key=api/releases/v1/archive.tar.gz archive.size=10 archive.sha256=${'a'.repeat(64)}`,
        `listing.key=api/releases/v1/listing listing.size=8 listing.sha256=${'d'.repeat(64)}`,
        `agent.key=api/agents/agent-1.sh agent.size=7 agent.sha256=${'e'.repeat(64)}`,
        'path=a%047b%040%042c%042%040%134%040%044%050id%051%040%045%040%012%011%303%251',
      ].join(' '),
    )
    expect((await moveWith([['path', hostile]], 1, 13)).moved).toBe(false)
    expect(await moveWith([['path', 'other']], 1, 13)).toMatchObject({
      moved: true,
      pointer: { generation: 2, fence: 13 },
    })
  })

  it('grows in generation, back to an older release too', async () => {
    const store = createMemoryStore()
    await move(store, 'v1')
    await move(store, 'v2', 1)
    const { pointer } = await move(store, 'v1', 2)
    expect(pointer).toMatchObject({ release: 'v1', generation: 3 })
  })

  it('stays when it names the release already', async () => {
    const store = createMemoryStore()
    await move(store, 'v1')
    const again = await move(store, 'v1', 1, 'bob')
    expect(again).toMatchObject({ moved: false, pointer: { generation: 1, movedBy: 'alice@ci' } })
  })

  it('moves to other bytes of the same name', async () => {
    const store = createMemoryStore()
    await move(store, 'v1')
    const record = exampleRecord('v1', 'e')
    const { moved } = await movePointer({
      store,
      clock,
      environment: 'prod',
      record,
      expected: 1,
      movedBy: 'x',
    })
    expect(moved).toBe(true)
  })

  it.each([undefined, 0, 2])('refuses to move from generation %s when it is at 1', async (expected) => {
    const store = createMemoryStore()
    await move(store, 'v1')
    await expect(move(store, 'v2', expected)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('pointer moved by alice@ci to v1') as string,
    })
    expect((await readPointer(store, 'api', 'prod'))?.release).toBe('v1')
  })

  it('refuses to move when it was removed', async () => {
    await expect(move(createMemoryStore(), 'v1', 4)).rejects.toMatchObject({ kind: 'failed' })
  })

  it('lets one of many win', async () => {
    const store = createMemoryStore()
    const results = await Promise.allSettled(['v1', 'v2', 'v3', 'v4'].map((release) => move(store, release)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await readPointer(store, 'api', 'prod'))?.generation).toBe(1)
  })

  it.each([
    ['the answer', ['lost-after']],
    ['the request', ['lost-before']],
    ['both, one after the other', ['lost-before', 'lost-after']],
  ] as const)('moves once when %s is lost', async (_, faults) => {
    const store = createMemoryStore()
    await move(store, 'v1')
    const result = await move(withWriteFaults(store, [...faults]), 'v2', 1)
    expect(result).toMatchObject({ moved: true, pointer: { release: 'v2', generation: 2 } })
    expect(await readPointer(store, 'api', 'prod')).toEqual(result.pointer)
  })

  it('gives up when the store stays away, and changed nothing', async () => {
    const store = createMemoryStore()
    await expect(
      move(
        withWriteFaults(
          store,
          Array.from({ length: 9 }, () => 'lost-before' as const),
        ),
        'v1',
      ),
    ).rejects.toThrow('connection reset')
    expect(await readPointer(store, 'api', 'prod')).toBeUndefined()
  })

  it('is not trusted blindly', async () => {
    const store = createMemoryStore()
    await store.writeDocument('api/prod/current.json', '{"version":1,"release":"../x"}', undefined)
    await expect(readPointer(store, 'api', 'prod')).rejects.toMatchObject({ kind: 'precondition' })
  })
})
