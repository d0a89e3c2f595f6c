import { beforeEach, describe, expect, test } from 'vitest'
import { createAutoscalingFleet } from '../../../src/adapters/autoscaling-fleet.js'
import { createRestore } from '../../../src/adapters/autoscaling/restore.js'
import { DeliverError } from '../../../src/errors.js'
import type { Drain, Fleet, Host } from '../../../src/ports.js'
import { createFakeAutoScaling, type FakeAutoScaling } from '../../fakes/auto-scaling.js'
import { createIdleClock } from '../../fakes/idle-clock.js'
import { createMemoryChangeLog, type MemoryChangeLog } from '../../fakes/memory-change-log.js'

let aws: FakeAutoScaling
let log: MemoryChangeLog
let fleet: Fleet & { readonly drain: Drain }

const none = () => {
  throw new Error('no load balancers here')
}

function openFleet(names: readonly string[] = ['api']): Fleet & { readonly drain: Drain } {
  const made = createAutoscalingFleet({
    config: {
      groups: { names },
      address: 'private',
      states: ['InService'],
      filters: {},
      bootTimeout: 600_000,
    },
    rollout: { drain: { kind: 'standby' }, drainTimeout: 600_000 },
    api: aws,
    balancers: none,
    clock: createIdleClock(() => false),
    warn: () => undefined,
  })
  const { drain } = made
  if (drain === undefined) throw new Error('no drain')
  return { ...made, drain }
}

beforeEach(() => {
  aws = createFakeAutoScaling()
  log = createMemoryChangeLog()
  fleet = openFleet()
})

const hostsNamed = async (...names: readonly string[]): Promise<readonly Host[]> =>
  (await fleet.hosts()).filter(({ name }) => names.includes(name))

const ids = (count: number) => Array.from({ length: count }, (_, at) => `i-${at + 1}`)

describe('out and back', () => {
  test('a batch enters standby and leaves it; the log says so in between, and nothing afterwards', async () => {
    const group = aws.addGroup('api', {}, ids(4))
    const batch = await hostsNamed('i-1', 'i-2')
    await fleet.drain.takeOut(batch, log)
    expect([...group.members.values()]).toEqual(['Standby', 'Standby', 'InService', 'InService'])
    expect(group.desired).toBe(2)
    expect(log.entries).toEqual(['standby api i-1', 'standby api i-2'])
    await fleet.drain.bringBack(batch, log)
    expect([...group.members.values()]).toEqual(['InService', 'InService', 'InService', 'InService'])
    expect(group.desired).toBe(4)
    expect(log.entries).toEqual([])
    expect(aws.asked).toEqual(['enter api i-1 i-2', 'exit api i-1 i-2'])
  })

  test('what is about to change is in the log before it changes', async () => {
    aws.addGroup('api', { min: 2 }, ids(2))
    const seen: string[][] = []
    aws.refuse = () => seen.push([...log.entries])
    await fleet.drain.takeOut(await hostsNamed('i-1'), log)
    expect(seen).toEqual([['min-size api 2 1'], ['min-size api 2 1', 'standby api i-1']])
  })

  test('hosts that we hold are hosts of the fleet all the while, and counted', async () => {
    aws.addGroup('api', {}, ids(3))
    const batch = await hostsNamed('i-2')
    await fleet.drain.takeOut(batch, log)
    expect((await fleet.hosts()).map(({ name }) => name)).toEqual(ids(3))
    expect(await fleet.desired?.()).toBe(3)
    expect(await fleet.pending?.()).toEqual([])
  })

  test('what somebody else put into standby stays there, and is no host', async () => {
    const group = aws.addGroup('api', {}, ids(2))
    group.members.set('i-2', 'Standby')
    const batch = [...(await fleet.hosts()), { name: 'i-2', address: 'x', instance: 'i-2', labels: {} }]
    expect(batch.map(({ name }) => name)).toEqual(['i-1', 'i-2'])
    await fleet.drain.takeOut(batch, log)
    expect(log.entries).toEqual(['standby api i-1'])
    await fleet.drain.bringBack(batch, log)
    expect([...group.members.values()]).toEqual(['InService', 'Standby'])
    expect(aws.asked).toEqual(['enter api i-1', 'exit api i-1'])
  })

  test('more than twenty go in several requests', async () => {
    aws.addGroup('api', {}, ids(45))
    const batch = await fleet.hosts()
    await fleet.drain.takeOut(batch, log)
    await fleet.drain.bringBack(batch, log)
    expect(aws.asked.map((each) => each.split(' ').length - 2)).toEqual([20, 20, 5, 20, 20, 5])
  })

  test('several groups, each by itself', async () => {
    aws.addGroup('a', { min: 1 }, ['i-1'])
    aws.addGroup('b', {}, ['i-2', 'i-3'])
    fleet = openFleet(['a', 'b'])
    const batch = await fleet.hosts()
    await fleet.drain.takeOut(batch, log)
    expect([...log.entries].sort()).toEqual([
      'min-size a 1 0',
      'standby a i-1',
      'standby b i-2',
      'standby b i-3',
    ])
    await fleet.drain.bringBack(batch, log)
    expect(log.entries).toEqual([])
    expect(aws.groupsByName.get('a')).toMatchObject({ min: 1, desired: 1 })
  })

  test('both are idempotent', async () => {
    aws.addGroup('api', { min: 2 }, ids(2))
    const batch = await hostsNamed('i-1')
    await fleet.drain.takeOut(batch, log)
    await fleet.drain.takeOut(batch, log)
    expect(log.entries).toEqual(['min-size api 2 1', 'standby api i-1'])
    await fleet.drain.bringBack(batch, log)
    await fleet.drain.bringBack(batch, log)
    expect(aws.asked).toEqual(['min api 1', 'enter api i-1', 'exit api i-1', 'min api 2'])
  })
})

describe('bounds of the group', () => {
  test('the minimum is lowered as far as it must, and put back when the last one is back', async () => {
    const group = aws.addGroup('api', { min: 3 }, ids(4))
    const [first, second] = [await hostsNamed('i-1', 'i-2'), await hostsNamed('i-3')]
    await fleet.drain.takeOut(first, log)
    expect(group.min).toBe(2)
    await fleet.drain.takeOut(second, log)
    expect(group.min).toBe(1)
    await fleet.drain.bringBack(first, log)
    expect(group.min).toBe(1)
    await fleet.drain.bringBack(second, log)
    expect(group).toMatchObject({ min: 3, desired: 4 })
    expect(log.entries).toEqual([])
  })

  test('a minimum that somebody set meanwhile stays', async () => {
    const group = aws.addGroup('api', { min: 2 }, ids(2))
    const batch = await hostsNamed('i-1')
    await fleet.drain.takeOut(batch, log)
    group.min = 0
    await fleet.drain.bringBack(batch, log)
    expect(group.min).toBe(0)
    expect(log.entries).toEqual([])
  })

  test('a maximum that the group has grown to meanwhile makes room, and is put back', async () => {
    const group = aws.addGroup('api', { max: 2 }, ids(2))
    const batch = await hostsNamed('i-1')
    await fleet.drain.takeOut(batch, log)
    group.desired = 2
    group.members.set('i-9', 'InService')
    await fleet.drain.bringBack(batch, log)
    expect(aws.asked).toEqual(['enter api i-1', 'max api 3', 'exit api i-1', 'max api 2'])
    expect(group.members.get('i-1')).toBe('InService')
    expect(log.entries).toEqual([])
  })
})

describe('instances that go meanwhile', () => {
  test('one that leaves before it could be taken out keeps nobody', async () => {
    const group = aws.addGroup('api', {}, ids(2))
    const batch = await fleet.hosts()
    aws.refuse = (asked) => {
      if (asked === 'enter api i-1 i-2') aws.terminate('i-1')
    }
    await fleet.drain.takeOut(batch, log)
    expect(group.members.get('i-2')).toBe('Standby')
    await fleet.drain.bringBack(batch, log)
    expect(group.members.get('i-2')).toBe('InService')
    expect(log.entries).toEqual([])
  })

  test('one that is terminated in standby is fine', async () => {
    const group = aws.addGroup('api', { min: 1 }, ids(1))
    const batch = await fleet.hosts()
    await fleet.drain.takeOut(batch, log)
    group.members.delete('i-1')
    await fleet.drain.bringBack(batch, log)
    expect(log.entries).toEqual([])
    expect(group).toMatchObject({ min: 1, desired: 1 })
  })

  test('a group that is gone altogether is fine', async () => {
    aws.addGroup('api', {}, ids(1))
    const batch = await fleet.hosts()
    await fleet.drain.takeOut(batch, log)
    aws.groupsByName.delete('api')
    await fleet.drain.bringBack(batch, log)
    expect(log.entries).toEqual([])
  })
})

describe('failures', () => {
  const denied = new DeliverError('precondition', 'not allowed', { fix: 'Allow autoscaling:EnterStandby' })

  test('a refusal is the error, and what was logged is undone by bringing back', async () => {
    const group = aws.addGroup('api', { min: 1 }, ids(1))
    const batch = await fleet.hosts()
    aws.refuse = (asked) => {
      if (asked.startsWith('enter')) throw denied
    }
    await expect(fleet.drain.takeOut(batch, log)).rejects.toBe(denied)
    expect(aws.asked.filter((asked) => asked.startsWith('enter'))).toHaveLength(1)
    expect(log.entries).toEqual(['min-size api 1 0', 'standby api i-1'])
    await fleet.drain.bringBack(batch, log)
    expect(group.min).toBe(1)
    expect(log.entries).toEqual([])
  })

  test('what may pass is tried a few times', async () => {
    aws.addGroup('api', {}, ids(1))
    let left = 2
    aws.refuse = (asked) => {
      if (asked.startsWith('enter') && left-- > 0) throw new DeliverError('failed', 'not now')
    }
    await fleet.drain.takeOut(await fleet.hosts(), log)
    expect(log.entries).toEqual(['standby api i-1'])
    left = 9
    aws.addGroup('api', {}, ids(1))
    await expect(fleet.drain.takeOut(await fleet.hosts(), log)).rejects.toThrow('not now')
    expect(left).toBe(6)
  })

  test('taking out gives up at its deadline, naming it', async () => {
    const group = aws.addGroup('api', {}, ids(1))
    const batch = await fleet.hosts()
    aws.delay = 1_000_000
    await expect(fleet.drain.takeOut(batch, log)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/instances of api were not in standby within 600 s/) as string,
      fix: expect.stringContaining('rollout.drainTimeout') as string,
    })
    expect(log.entries).toEqual(['standby api i-1'])
    aws.delay = 0
    group.members.set('i-1', 'Standby')
    await fleet.drain.bringBack(batch, log)
    expect(log.entries).toEqual([])
  })

  test('one that is not in service again in time is told, and stays in the log; the others are back', async () => {
    const group = aws.addGroup('api', { min: 2 }, ids(2))
    const batch = await fleet.hosts()
    await fleet.drain.takeOut(batch, log)
    aws.delay = 1_000_000
    aws.refuse = (asked) => {
      if (asked.startsWith('exit')) queueMicrotask(() => group.members.set('i-2', 'InService'))
    }
    expect(await fleet.drain.bringBack(batch, log)).toEqual(new Map([['i-1', 'it is Pending after 600 s']]))
    expect(log.entries).toEqual(['min-size api 2 0', 'standby api i-1'])
    group.members.set('i-1', 'InService')
    expect(await fleet.drain.bringBack(batch, log)).toEqual(new Map())
    expect(log.entries).toEqual([])
    expect(group.min).toBe(2)
  })

  test('stops when told', async () => {
    aws.addGroup('api', {}, ids(1))
    const batch = await fleet.hosts()
    aws.delay = 1_000_000
    const stop = new AbortController()
    const reason = new Error('stop')
    aws.refuse = () => setTimeout(() => stop.abort(reason), 5)
    await expect(fleet.drain.takeOut(batch, log, stop.signal)).rejects.toBe(reason)
  })
})

describe('restore, after a run that died', () => {
  const restore = (entries: readonly string[]) => openFleet().drain.restore(entries)

  test('ends standby and puts the minimum back', async () => {
    const group = aws.addGroup('api', { min: 3 }, ids(3))
    await fleet.drain.takeOut(await hostsNamed('i-1', 'i-2'), log)
    expect(group.min).toBe(1)
    expect(await restore(log.entries)).toEqual([])
    expect([...group.members.values()]).toEqual(['InService', 'InService', 'InService'])
    expect(group).toMatchObject({ min: 3, desired: 3 })
    const before = aws.asked.length
    expect(await restore(log.entries)).toEqual([])
    expect(aws.asked).toHaveLength(before)
  })

  test('does nothing about what never happened, or was undone by hand', async () => {
    const group = aws.addGroup('api', { min: 2 }, ids(3))
    group.members.delete('i-3')
    const entries = [
      'min-size api 5 1',
      'standby api i-1',
      'standby api i-3',
      'standby gone i-7',
      'min-size gone 1 0',
    ]
    expect(await restore(entries)).toEqual([])
    expect(aws.asked).toEqual([])
  })

  test('waits for an instance that still enters standby', async () => {
    const group = aws.addGroup('api', {}, ids(1))
    aws.delay = 3
    await aws.enterStandby('api', ['i-1'])
    expect(await restore(['standby api i-1'])).toEqual([])
    expect(group.members.get('i-1')).toBe('InService')
  })

  test('undoes a chain of minimums', async () => {
    const group = aws.addGroup('api', { min: 0 }, ids(3))
    expect(await restore(['min-size api 3 2', 'min-size api 2 0'])).toEqual([])
    expect(group.min).toBe(3)
  })

  test('gives what could not be undone, with the reason; the other groups are undone', async () => {
    const odd = aws.addGroup('odd name', {}, ['i-1'])
    const good = aws.addGroup('good', {}, ['i-2'])
    odd.members.set('i-1', 'Standby')
    good.members.set('i-2', 'Standby')
    aws.refuse = (asked) => {
      if (asked.startsWith('exit odd'))
        throw new DeliverError('precondition', 'not allowed', { fix: 'Allow it.' })
    }
    expect(await restore(['nonsense', 'standby odd%20name i-1', 'standby good i-2'])).toEqual([
      { entry: 'nonsense', because: 'it is no change that a drain makes' },
      { entry: 'standby odd%20name i-1', because: 'not allowed. Allow it.' },
    ])
    expect(good.members.get('i-2')).toBe('InService')
  })

  test('is there whatever the config drains with now', async () => {
    aws.addGroup('api', {}, ids(1)).members.set('i-1', 'Standby')
    const undo = createRestore({
      api: aws,
      balancers: none,
      alive: () => Promise.resolve(new Set<string>()),
      timeout: 600_000,
      clock: createIdleClock(() => false),
    })
    expect(await undo(['standby api i-1'])).toEqual([])
    expect(aws.groupsByName.get('api')?.members.get('i-1')).toBe('InService')
  })
})
