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
      /web1 +1 +healthy +send, switch to v2.* kB, archive as gzip +runs v1/,
      /web3 +3 +healthy/,
      /pointer +v1 \(generation 1\), then v2/,
      /lock +free/,
      /to send +\d.* kB to 3 hosts/,
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
        { host: 'web2', batch: 2, from: 'v1', to: 'v2', stage: 'send', send: { exact: true } },
      ],
      pointer: { now: { release: 'v1', generation: 1 }, then: 'v1' },
      lock: null,
      send: { hosts: 2, exact: true },
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

  test('a real rollout says at its start what time it may take', async () => {
    const { code, output } = await place.run('deploy', 'v2', '--limit', '1')
    expect(code, output).toBe(0)
    expect(output).toMatch(/at most .* for 1 batch/)
    expect(output).toContain('the pointer stays on v1')
    expect(await place.running()).toEqual(['web1 v2', 'web2 v1', 'web3 v1'])
  })
})
