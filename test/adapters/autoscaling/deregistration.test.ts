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

test('a target that does not drain is an error that names it; the log still knows', async () => {
  balancers.add('api', 'i-1', 80)
  balancers.delay = 1_000_000
  await expect(open().takeOut([host('i-1')], log)).rejects.toMatchObject({
    kind: 'failed',
    message: 'rollout.drain: not drained: i-1:80 in api is unhealthy (Target.Timeout) after 60 s',
    fix: expect.stringContaining('rollout.drainTimeout') as string,
  })
  expect(log.entries).toEqual(['target api i-1 i-1 80'])
})

test('one that does not become healthy in time is named, and stays in the log; the others are back', async () => {
  balancers.add('api', 'i-1', 80)
  balancers.add('api', 'i-1', 81)
  balancers.add('api', 'i-2', 80)
  const drain = open()
  const both = [host('i-1'), host('i-2')]
  await drain.takeOut(both, log)
  balancers.ill.add('api i-1:81')
  expect(await drain.bringBack(both, log)).toEqual(
    new Map([['i-1', 'i-1:81 in api is unhealthy (Target.Timeout) after 60 s']]),
  )
  expect(log.entries).toEqual(['target api i-1 i-1 80', 'target api i-1 i-1 81'])
  balancers.ill.clear()
  expect(await drain.bringBack(both, log)).toEqual(new Map())
  expect(log.entries).toEqual([])
})

test('a load balancer that was deleted meanwhile is nothing to wait for', async () => {
  balancers.add('api', 'i-1', 80)
  balancers.add('old', 'i-1', 80)
  const drain = open()
  await drain.takeOut([host('i-1')], log)
  balancers.gone.add('old')
  balancers.known.delete('old i-1:80')
  expect(await drain.bringBack([host('i-1')], log)).toEqual(new Map())
  expect(log.entries).toEqual([])
})

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
  balancers.gone.add('gone')
  expect(await restore(['target gone i-1 i-1 80'])).toEqual([])
  balancers.refuse = () => {
    throw new DeliverError('precondition', 'not allowed', { fix: 'Allow it.' })
  }
  expect(await restore(['target api i-1 i-1 80'])).toEqual([
    { entry: 'target api i-1 i-1 80', because: 'not allowed. Allow it.' },
  ])
})
