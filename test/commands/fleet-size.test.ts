import { afterEach, describe, expect, test } from 'vitest'
import { appendHistory } from '../../src/store/history.js'
import { World } from '../execute/world.js'

let world: World
afterEach(() => world.close())

const desired = (count: number) => ({ desired: async () => count })

async function deployedBefore(count: number): Promise<void> {
  await appendHistory(
    { store: world.store, clock: world.hosts.clock, app: 'api', environment: 'production' },
    {
      version: 1,
      command: 'deploy',
      release: 'v1',
      by: 'ci',
      started: '2030-01-01T00:00:00Z',
      ended: '2030-01-01T00:01:00Z',
      code: 0,
      text: 'v1 runs',
      hosts: Array.from({ length: count }, (_, i) => ({ host: `old${i}`, outcome: 'done' })),
    },
  )
}

describe('far fewer hosts than there should be', () => {
  test('by what the group desires: nothing is changed', async () => {
    world = await World.running('web1', 'web2')
    await expect(world.deploy('v2', { around: desired(5) })).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringContaining('only 2 host(s) in service, while 5 are desired') as string,
      fix: expect.stringContaining('--expect 2') as string,
    })
    expect(world.host('web1').calls).toEqual([])
  })

  test('by what the last deploy had', async () => {
    world = await World.running('web1', 'web2')
    await deployedBefore(9)
    await expect(world.deploy('v2', { around: desired(2) })).rejects.toThrow('the last deploy had 9')
  })

  test('half of them is enough, and so is the caller’s word', async () => {
    world = await World.running('web1', 'web2')
    await deployedBefore(4)
    expect(await world.deploy('v2', { around: desired(4) })).toMatchObject({ code: 0 })
    expect(await world.deploy('v3', { around: desired(9), flags: { expect: '2' } })).toMatchObject({
      code: 0,
    })
  })

  test('of a list in the config there are as many as it says', async () => {
    world = await World.running('web1')
    await deployedBefore(9)
    expect(await world.deploy('v2')).toMatchObject({ code: 0 })
  })

  test.each([
    ['3', 'precondition'],
    ['some', 'usage'],
  ])('--expect %s', async (text, kind) => {
    world = await World.running('web1')
    await expect(world.deploy('v2', { flags: { expect: text } })).rejects.toMatchObject({ kind })
    expect(world.runs).toEqual(['v1'])
  })
})

describe('an empty group', () => {
  const empty = { fleet: () => [], around: desired(0) }

  test('is an error', async () => {
    world = new World()
    await expect(world.deploy('v1', empty)).rejects.toMatchObject({
      kind: 'noHosts',
      fix: expect.stringContaining('--allow-empty') as string,
    })
  })

  test('with --allow-empty gets the pointer, and everybody is told that nothing was checked', async () => {
    world = new World()
    let moved = false
    const finish = async () => void (moved = true)
    const deployed = await world.deploy('v1', { ...empty, finish, flags: { allowEmpty: true } })
    expect(deployed.code).toBe(0)
    expect(deployed.warnings.join()).toContain('nothing was sent and no health checked')
    expect(moved).toBe(true)
  })

  test('a list of the config that is empty is a mistake, whatever is allowed', async () => {
    world = new World()
    await expect(world.deploy('v1', { fleet: () => [], flags: { allowEmpty: true } })).rejects.toMatchObject({
      kind: 'noHosts',
    })
  })
})
