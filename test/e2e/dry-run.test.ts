import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Place } from './place.js'
import { treeOf } from './tree.js'

let place: Place

/** What a command changed would show here: hosts, their processes, and the store. */
async function everything(): Promise<unknown> {
  const hosts = ['web1', 'web2', 'web3'].map((host) => treeOf(join(place.hostDirectory(host), 'app')))
  return { hosts, store: treeOf(place.store), answers: await place.answers() }
}

/** The data of the last event of a command with --json. */
async function dataOf(...args: readonly string[]): Promise<unknown> {
  const { code, stdout } = await place.start(...args).finished
  expect(code, stdout).toBe(0)
  const last: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  return typeof last === 'object' && last !== null && 'data' in last ? last.data : undefined
}

beforeAll(async () => {
  place = await Place.create(3)
  const { code, output } = await place.ship('v1')
  expect(code, output).toBe(0)
  await place.publish('v2')
}, 120_000)

describe('--dry-run', { timeout: 60_000 }, () => {
  test('shows hosts, health, bytes, commits, pointer, lock and time, and changes nothing', async () => {
    const before = await everything()
    const { code, output } = await place.run('deploy', 'v2', '--dry-run')
    expect(code, output).toBe(0)
    for (const line of [
      /web1 +1 +healthy +send, switch to v2.* (kB|bytes|B), delta on v1 +runs v1/,
      /web3 +3 +healthy/,
      /pointer +v1 \(generation 1\), then v2/,
      /lock +free/,
      /to send +.*\d.* (kB|bytes|B) to 3 hosts/,
      /time +at most .* for 3 batches/,
      /1 commit in v2 and not in v1/,
      /[0-9a-f]{12} +fixture +Say v2/,
      /dry run: nothing was changed/,
    ])
      expect(output).toMatch(line)
    expect(await everything()).toEqual(before)
  })

  test('--json gives all of it as data', async () => {
    const data = await dataOf('deploy', 'v2', '--dry-run', '--limit', '2')
    expect(data).toMatchObject({
      version: 1,
      app: 'hello',
      environment: 'production',
      kind: 'deploy',
      release: 'v2',
      batches: [['web1'], ['web2']],
      hosts: [
        { host: 'web1', batch: 1, from: 'v1', to: 'v2', stage: 'send', now: { health: 'healthy' } },
        { host: 'web2', batch: 2, from: 'v1', to: 'v2', stage: 'send', send: { exact: false } },
      ],
      pointer: { now: { release: 'v1', generation: 1 }, then: 'v1' },
      lock: null,
      send: { hosts: 2, exact: false },
      changes: { kind: 'known', from: 'v1', added: { count: 1, commits: [{ subject: 'Say v2' }] } },
      bound: { batches: 2 },
    })
  })

  test('a deploy that would change nothing says so', async () => {
    expect(await dataOf('deploy', 'v1', '--dry-run')).toMatchObject({
      batches: [],
      hosts: [{ act: 'verify' }, { act: 'verify' }, { act: 'verify' }],
      send: { hosts: 0, bytes: 0 },
      changes: { kind: 'unknown' },
    })
  })

  test('a saved plan is refused when the world has changed, with what changed, and changes nothing', async () => {
    const file = join(place.directory, '..', 'plan.json')
    expect((await place.run('deploy', 'v2', '--dry-run', '--out', file)).code).toBe(0)
    expect(readFileSync(file, 'utf8')).not.toContain(place.sandbox.config.health.http)

    place.configure({ rollout: { strategy: 'rolling', batch: 1, pause: '1s' } })
    const changed = await place.run('deploy', '--plan', file)
    expect(changed.code, changed.output).toBe(8)
    expect(changed.output).toContain('rollout.pause was 0, and is 1000')
    place.configure({})

    const partly = await place.run('deploy', 'v2', '--limit', '1')
    expect(partly.code, partly.output).toBe(0)
    const before = await place.answers()
    const refused = await place.run('deploy', '--plan', file)
    expect(refused.code, refused.output).toBe(8)
    expect(refused.output).toContain('web1 ran v1, and is v2; web1 has the release now')
    expect(await place.answers()).toEqual(before)
    expect(place.pointer()).toBe('v1')
    // The lock is free again.
    expect((await place.run('deploy', 'v1', '--limit', '1')).code).toBe(0)
  })

  test.each([
    [['deploy', 'v2', '--plan', 'plan.json'], 2, 'plan.json'],
    [['deploy', 'v2', '--out', 'plan.json'], 2, '--dry-run'],
    [['deploy', '--plan', 'deliver.config.json'], 8, 'deliver.config.json'],
  ])('%j: %i', async (args, code, says) => {
    const ended = await place.run(...args)
    expect(ended.code, ended.output).toBe(code)
    expect(ended.output).toContain(says)
  })

  test('a saved plan is run as it was saved', async () => {
    const file = join(place.directory, '..', 'plan.json')
    const planned = await place.run(
      ...['deploy', 'v2', '--hosts', 'web2,web3', '--batch', '2', '--dry-run', '--out', file],
    )
    expect(planned.code, planned.output).toBe(0)
    const other = await place.run('deploy', '--plan', file, '--batch', '1')
    expect(other.code, other.output).toBe(2)
    const done = await place.run('deploy', '--plan', file)
    expect(done.code, done.output).toBe(0)
    expect(done.output).toMatch(/batch 1 of 1: web2, web3/)
    expect(await place.running()).toEqual(['web1 v1', 'web2 v2', 'web3 v2'])
    expect(place.pointer()).toBe('v1')
    const again = await place.run('deploy', '--plan', file)
    expect(again.code, again.output).toBe(8)
  })

  test('a real rollout says at its start what time it may take', async () => {
    const { code, output } = await place.run('deploy', 'v2', '--limit', '1')
    expect(code, output).toBe(0)
    expect(output).toMatch(/at most .* for 1 batch/)
    expect(output).toContain('the pointer stays on v1')
    expect(await place.running()).toEqual(['web1 v2', 'web2 v2', 'web3 v2'])
  })
})
