import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { chooseEncoding } from '../../src/execute/staging.js'
import type { FaultKind } from '../fakes/local-session.js'
import { releaseRecordKey } from '../../src/store/layout.js'
import { World, type Deployed } from './world.js'

let world: World

/** A host whose release the store has no more, so that it is sent all of the next. */
async function withoutBase(): Promise<World> {
  const made = await World.running('web1')
  await made.store.remove(releaseRecordKey('api', 'v1'))
  return made
}

describe('a transfer that goes wrong once', () => {
  afterEach(() => world.close())

  const faults: readonly (readonly [FaultKind, string])[] = [
    ['before', 'put'],
    ['middle', 'put'],
    ['after', 'put'],
    ['silent', 'put'],
    ['corrupt', 'put'],
    ['before', 'stage'],
    ['middle', 'stage'],
    ['after', 'stage'],
    ['silent', 'stage'],
    ['before', 'probe'],
    ['after', 'probe'],
  ]
  test.each(faults)('%s %s: the release is complete in the end', async (kind, verb) => {
    world = await withoutBase()
    world.host('web1').fail({ verb, kind })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.restarts()).toEqual([['v2']])
    if (verb === 'stage') expect(world.host('web1').countOf('put')).toBe(2)
  })

  test('wrong three times: failed, with the reason, and nothing is switched', async () => {
    world = await withoutBase()
    const corrupt = { verb: 'put', kind: 'corrupt' } as const
    world.host('web1').fail(corrupt, corrupt, corrupt)
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.why.join()).toContain('damaged')
    expect(world.runs).toEqual(['v1'])
  })
})

describe('a host that has another release', () => {
  afterEach(() => world.close())

  /** What people saw of how the hosts were staged. */
  const ways = ({ events }: Deployed): readonly string[] =>
    events.flatMap((event) =>
      event.type === 'host-state' && event.state === 'staging'
        ? [`${event.host} ${(event.detail ?? '').replace(/\d+ KiB/, 'N KiB')}`]
        : [],
    )
  const release = (file: string): string => join(world.host('web1').path, 'releases', file)

  test('is sent what it lacks, in one call; what is the same is one file with two names', async () => {
    world = await World.running('web1', 'web2')
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2'])
    expect([...ways(deployed)].sort()).toEqual([
      'web1 v2, delta on v1: 1 of 3 entries, N KiB as gzip',
      'web2 v2, delta on v1: 1 of 3 entries, N KiB as gzip',
    ])
    for (const host of world.hosts.all) {
      expect(host.countOf('put')).toBe(0)
      expect(host.countOf('delta')).toBe(1)
    }
    expect(statSync(release('v2/bin/app')).ino).toBe(statSync(release('v1/bin/app')).ino)
  })

  test('each has its own base, or none', async () => {
    world = await World.running('web1', 'web2')
    await world.deploy('v2', { fleet: () => [world.host('web2').host] })
    world.hosts.add('web3')
    const deployed = await world.deploy('v3')
    expect(deployed.ends).toEqual(['web1 done v3', 'web2 done v3', 'web3 done v3'])
    expect([...ways(deployed)].sort()).toEqual([
      expect.stringContaining('web1 v3, delta on v1'),
      expect.stringContaining('web2 v3, delta on v2'),
      expect.stringContaining('web3 v3, N KiB as gzip, whole: the host has no other release'),
    ])
  })

  test('is sent all of it when somebody changed what it runs, which is not carried over', async () => {
    world = await World.running('web1', 'web2')
    const file = release('v1/bin/app')
    const { atime, mtime, size } = statSync(file)
    writeFileSync(file, 'x'.repeat(size))
    utimesSync(file, atime, mtime)
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2', 'web2 done v2'])
    expect(ways(deployed)).toContain(
      'web1 v2, N KiB as gzip, whole: no delta from v1: it was changed on this host: bin/app',
    )
    expect(readFileSync(release('v2/bin/app'), 'utf8')).toBe('#!/bin/sh\n')
    expect(world.host('web2').countOf('stage')).toBe(0)
  })

  test('is sent all of it when the store has no such release any more', async () => {
    world = await withoutBase()
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(ways(deployed)).toEqual(['web1 v2, N KiB as gzip, whole: the store has no manifest of v1'])
  })

  test('is sent all of it when hardly anything is the same', async () => {
    world = await World.running('web1')
    const record = await world.publish('v2', { large: 'x'.repeat(10_000) })
    world.records.set('v2', { ...record, manifest: { ...record.manifest, bytes: 10_020 } })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(ways(deployed)).toEqual(['web1 v2, N KiB as gzip, whole: nearly everything is new since v1'])
  })

  test.each([
    ['before', 'delta'],
    ['middle', 'delta'],
    ['after', 'delta'],
    ['silent', 'delta'],
    ['corrupt', 'delta'],
  ] as const)('%s %s: the release is complete in the end', async (kind, verb) => {
    world = await World.running('web1')
    world.host('web1').fail({ verb, kind })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.restarts()).toEqual([['v2']])
  })

  test('what is large is put first', async () => {
    world = await World.running('web1')
    const noise = randomBytes(6 * 1024 * 1024).toString('latin1')
    await world.publish('v2', { noise })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.host('web1').countOf('put')).toBe(1)
    expect(world.host('web1').countOf('stage')).toBe(0)
  })
})

describe('the encoding that is sent', () => {
  test.each([
    ['zstd', ['zstd', 'gzip'], 'zstd'],
    ['zstd', ['gzip'], 'gzip'],
    ['zstd', [], 'none'],
    ['gzip', ['gzip'], 'gzip'],
    ['gzip', ['zstd'], 'none'],
    ['none', ['zstd', 'gzip'], 'none'],
  ] as const)('%s, to a host with %j: %s', (published, tools, expected) => {
    expect(chooseEncoding(published, new Set(tools))).toBe(expected)
  })
})
