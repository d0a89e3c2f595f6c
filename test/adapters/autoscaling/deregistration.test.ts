import { beforeEach, expect, test } from 'vitest'
import { createDeregistration } from '../../../src/adapters/autoscaling/deregistration.js'
import { createRestore } from '../../../src/adapters/autoscaling/restore.js'
import { DeliverError } from '../../../src/errors.js'
import type { Host } from '../../../src/ports.js'
import { createFakeAutoScaling } from '../../fakes/auto-scaling.js'
import { createFakeBalancers, type FakeBalancers } from '../../fakes/balancers.js'
import { createIdleClock } from '../../fakes/idle-clock.js'
import { createMemoryChangeLog, type MemoryChangeLog } from '../../fakes/memory-change-log.js'

let balancers: FakeBalancers
let log: MemoryChangeLog
let alive: Set<string>
let warnings: string[]

beforeEach(() => {
  balancers = createFakeBalancers()
  log = createMemoryChangeLog()
  alive = new Set(['i-1', 'i-2', 'i-3'])
  warnings = []
})

const clock = () => createIdleClock(() => false)
const open = () =>
  createDeregistration({
    balancers,
    alive: () => Promise.resolve(alive),
    timeout: 60_000,
    clock: clock(),
    warn: (text) => warnings.push(text),
  })

const host = (id: string): Host => ({ name: id, address: `10.0.0.${id.slice(2)}`, instance: id, labels: {} })
const states = () => [...balancers.known].map(([key, { state }]) => `${key} ${state}`)

test('hosts are drained from all groups and ports, and registered as they were', async () => {
  balancers.add('api', 'i-1', 80)
  balancers.add('api', 'i-1', 81)
  balancers.add('internal', 'i-1', 90)
  balancers.add('api', 'i-2', 80)
  const drain = open()
  await drain.takeOut([host('i-1')], log)
  expect(states()).toEqual(['api i-1:80 out', 'api i-1:81 out', 'internal i-1:90 out', 'api i-2:80 in'])
  expect(log.entries).toEqual([
    'target api i-1 i-1 80',
    'target api i-1 i-1 81',
    'target internal i-1 i-1 90',
  ])
  await drain.bringBack([host('i-1')], log)
  expect(states()).toEqual(['api i-1:80 in', 'api i-1:81 in', 'internal i-1:90 in', 'api i-2:80 in'])
  expect(log.entries).toEqual([])
  expect(balancers.asked).toEqual([
    'deregister api i-1:80 api i-1:81',
    'deregister internal i-1:90',
    'register api i-1:80 api i-1:81',
    'register internal i-1:90',
  ])
  await drain.bringBack([host('i-1')], log)
  expect(balancers.asked).toHaveLength(4)
})

test('the log is written first', async () => {
  balancers.add('api', 'i-1', 80)
  let seen: string[] = []
  balancers.refuse = () => (seen = [...log.entries])
  await open().takeOut([host('i-1')], log)
  expect(seen).toEqual(['target api i-1 i-1 80'])
})

test('a host that is registered nowhere is told about, and is nothing to wait for', async () => {
  balancers.add('api', 'i-1', 80)
  await open().takeOut([host('i-1'), host('i-2')], log)
  expect(warnings).toEqual(['i-2: not in the target group api, so there is nothing to drain'])
})

test('an instance that is terminated while it drains, or later, is not waited for', async () => {
  balancers.add('api', 'i-1', 80)
  balancers.delay = 1_000_000
  alive.delete('i-1')
  const drain = open()
  await drain.takeOut([host('i-1')], log)
  await drain.bringBack([host('i-1')], log)
  expect(balancers.asked).toEqual(['deregister api i-1:80'])
  expect(log.entries).toEqual([])
})

test.each(['takeOut', 'bringBack'] as const)(
  '%s gives up at its deadline; the log still knows',
  async (step) => {
    balancers.add('api', 'i-1', 80)
    const drain = open()
    if (step === 'bringBack') await drain.takeOut([host('i-1')], log)
    balancers.delay = 1_000_000
    await expect(drain[step]([host('i-1')], log)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('within 60 s') as string,
    })
    expect(log.entries).toEqual(['target api i-1 i-1 80'])
  },
)

test('a failure to deregister leaves what the next run needs', async () => {
  balancers.add('api', 'i-1', 80)
  const denied = new DeliverError('precondition', 'not allowed')
  balancers.refuse = () => {
    throw denied
  }
  await expect(open().takeOut([host('i-1')], log)).rejects.toBe(denied)
  expect(log.entries).toEqual(['target api i-1 i-1 80'])
})

test('restore registers what an earlier run left out, and only what still runs', async () => {
  balancers.add('api', 'i-1', 80)
  balancers.add('api', 'i-2', 80)
  await open().takeOut([host('i-1'), host('i-2')], log)
  alive.delete('i-2')
  const restore = createRestore({
    api: createFakeAutoScaling(),
    balancers: () => balancers,
    alive: () => Promise.resolve(alive),
    timeout: 60_000,
    clock: clock(),
  })
  expect(await restore(log.entries)).toEqual([])
  expect(balancers.asked.slice(1)).toEqual(['register api i-1:80'])
  balancers.refuse = () => {
    throw new DeliverError('precondition', 'not allowed', { fix: 'Allow it.' })
  }
  expect(await restore(['target api i-1 i-1 80'])).toEqual([
    { entry: 'target api i-1 i-1 80', because: 'not allowed. Allow it.' },
  ])
})
