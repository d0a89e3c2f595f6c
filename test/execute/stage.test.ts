import { afterEach, describe, expect, test } from 'vitest'
import { chooseEncoding } from '../../src/execute/stage.js'
import type { FaultKind } from '../fakes/local-session.js'
import { World } from './world.js'

let world: World

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
    world = await World.running('web1')
    world.host('web1').fail({ verb, kind })
    const deployed = await world.deploy('v2')
    expect(deployed.ends).toEqual(['web1 done v2'])
    expect(world.restarts()).toEqual([['v2']])
    if (verb === 'stage') expect(world.host('web1').countOf('put')).toBe(2)
  })

  test('wrong three times: failed, with the reason, and nothing is switched', async () => {
    world = await World.running('web1')
    const corrupt = { verb: 'put', kind: 'corrupt' } as const
    world.host('web1').fail(corrupt, corrupt, corrupt)
    const deployed = await world.deploy('v2')
    expect(deployed.code).toBe(1)
    expect(deployed.why.join()).toContain('damaged')
    expect(world.runs).toEqual(['v1'])
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
