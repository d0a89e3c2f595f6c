import { expect, it } from 'vitest'
import { appendHistory } from '../../src/store/history.js'
import { readContents } from '../../src/store/contents.js'
import { movePointer } from '../../src/store/pointer.js'
import { createTurnableClock } from '../fakes/clock.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { exampleRecord } from './examples.js'

const clock = createTurnableClock()

const entry = (release: string, previous: string, hosts: Readonly<Record<string, string>>, code = 0) => ({
  version: 1 as const,
  command: 'deploy',
  release,
  previous,
  by: 'ci',
  started: '2030-01-01T00:00:00Z',
  ended: '2030-01-01T00:00:01Z',
  code,
  text: 'done',
  hosts: Object.entries(hosts).map(([host, runs]) => ({ host, outcome: 'done', runs })),
})

it('tells releases, their files in the order of removal, and who needs what', async () => {
  const store = createMemoryStore(clock)
  for (const file of ['archive.tar', 'manifest.json.gz', 'release.json', 'listing'])
    await store.create(`api/releases/v1/${file}`, Buffer.from('x'))
  await store.create('api/releases/half/archive.tar', Buffer.from('x'))
  await store.create('other/releases/v1/release.json', Buffer.from('x'))
  const at = { store, clock, environment: 'production', expected: undefined, movedBy: 'ci' }
  await movePointer({ ...at, record: { ...exampleRecord('v3'), app: 'api' } })
  const history = { store, clock, app: 'api', environment: 'production' }
  await appendHistory(history, entry('v1', 'v0', { web1: 'v1', web2: 'v1' }))
  clock.jump(1000)
  await appendHistory(history, entry('v3', 'v2', { web1: 'v3' }))
  clock.jump(1000)
  await appendHistory(history, entry('v4', 'v3', { web1: 'v3' }, 5))

  const contents = await readContents(store, 'api')
  expect(contents.releases.map(({ release, publishedAt }) => [release, publishedAt !== undefined])).toEqual([
    ['half', false],
    ['v1', true],
  ])
  expect(contents.files.get('v1')?.map((key) => key.split('/').at(-1))).toEqual([
    'release.json',
    'listing',
    'manifest.json.gz',
    'archive.tar',
  ])
  expect(contents.environments).toEqual([
    {
      environment: 'production',
      current: 'v3',
      previous: 'v2',
      lastKnown: new Map([
        ['web1', 'v3'],
        ['web2', 'v1'],
      ]),
    },
  ])
})

it('refuses to guess what an unreadable pointer or history needs', async () => {
  const store = createMemoryStore(clock)
  await store.writeDocument('api/staging/current.json', '{"version":2}', undefined)
  await expect(readContents(store, 'api')).rejects.toThrow('api/staging/current.json')
  const other = createMemoryStore(clock)
  await movePointer({
    store: other,
    clock,
    environment: 'staging',
    expected: undefined,
    movedBy: 'ci',
    record: { ...exampleRecord('v3'), app: 'api' },
  })
  await other.create('api/staging/history/x.json', Buffer.from('{"version":2}'))
  await expect(readContents(other, 'api')).rejects.toThrow('what staging needs is not known')
})
