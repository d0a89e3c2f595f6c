import { describe, expect, test } from 'vitest'
import { adaptiveTurns, fixedTurns, inParallel, type Turns } from '../../src/execute/parallel.js'
import { settle } from '../fakes/clock.js'
import { createFakeLoad } from '../fakes/load.js'

/** Work that ends when it is told to. */
class Work {
  running = 0
  most = 0
  readonly #ends: ((error?: Error) => void)[] = []

  readonly do = async (item: number): Promise<number> => {
    this.most = Math.max(this.most, ++this.running)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#ends.push((error) => (error === undefined ? resolve() : reject(error)))
      })
    } finally {
      this.running--
    }
    return item
  }

  async end(count: number, error?: Error): Promise<void> {
    for (const end of this.#ends.splice(0, count)) end(error)
    await settle()
  }
}

const items = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)
const busy = { busy: 0.7 }
const overloaded = { busy: 1 }

async function begun(turns: Turns, work: Work, count: number): Promise<Promise<readonly number[]>[]> {
  const all = inParallel(turns, items(count), work.do)
  await settle()
  return [all]
}

describe('a limit that adapts', () => {
  test('lets more in while there is little to do, and gives the results in order', async () => {
    const load = createFakeLoad()
    const work = new Work()
    const [all] = await begun(adaptiveTurns(load), work, 100)
    expect(work.running).toBe(20)
    await load.tell({})
    expect(work.running).toBe(30)
    await load.tell(busy)
    expect(work.running).toBe(30)
    for (let look = 0; look < 3; look++) await load.tell({})
    expect(work.running).toBe(100)
    await work.end(100)
    expect(await all).toEqual(items(100))
  })

  test('lets no more in when there is too much to do; what runs goes on', async () => {
    const load = createFakeLoad()
    const work = new Work()
    const [all] = await begun(adaptiveTurns(load), work, 60)
    for (let look = 0; look < 2; look++) await load.tell(overloaded)
    expect(work.running).toBe(20)
    await work.end(5)
    expect(work.running).toBe(15)
    await work.end(5)
    expect(work.running).toBe(15)
    await load.tell({ used: load.machine.memory })
    await work.end(10)
    expect(work.running).toBe(8)
    while (work.running > 0) await work.end(100)
    expect(await all).toEqual(items(60))
  })

  test('is never passed, and what was learnt counts for who comes later', async () => {
    const load = createFakeLoad()
    const turns = adaptiveTurns(load)
    const slots = turns.slots()
    const first = new Work()
    const [one] = await begun(turns, first, 40)
    await load.tell({})
    await first.end(40)
    await first.end(40)
    await one
    const second = new Work()
    const [two] = await begun(turns, second, 40)
    expect(second.most).toBe(30)
    const third = new Work()
    const late = Promise.all(items(40).map((item) => slots(() => third.do(item))))
    await settle()
    expect(third.most).toBe(30)
    for (const work of [second, third]) while (work.running > 0) await work.end(100)
    await Promise.all([two, late])
  })

  test('work that has a turn may give out others', async () => {
    const turns = adaptiveTurns(createFakeLoad())
    const each = (outer: number): Promise<readonly number[]> =>
      inParallel(turns, items(30), async (inner) => outer * 30 + inner)
    expect((await inParallel(turns, items(30), each)).flat()).toEqual(items(900))
  })

  test('programs on this machine are no more than at the start', async () => {
    const load = createFakeLoad()
    const turns = adaptiveTurns(load)
    const [all] = await begun(turns, new Work(), 100)
    for (let look = 0; look < 5; look++) await load.tell({})
    const { hosts, here } = turns.slotsOfBoth()
    for (const [slots, most] of [[hosts, 100] as const, [here, 20] as const]) {
      const work = new Work()
      for (const item of items(100)) void slots(() => work.do(item))
      await settle()
      expect(work.running).toBe(most)
    }
    expect(all).toBeInstanceOf(Promise)
  })
})

describe('this machine is looked at only while work waits for its turn', () => {
  test('not when all is let in at once', async () => {
    const load = createFakeLoad()
    const work = new Work()
    const [all] = await begun(adaptiveTurns(load), work, 20)
    expect(load.watchers).toBe(0)
    await work.end(20)
    await all
  })

  test('no longer when the last has begun, although it runs on', async () => {
    const load = createFakeLoad()
    const work = new Work()
    const [all] = await begun(adaptiveTurns(load), work, 21)
    expect(load.watchers).toBe(1)
    await work.end(1)
    expect(work.running).toBe(20)
    expect(load.watchers).toBe(0)
    await work.end(20)
    await all
  })

  test('once for all uses, until nothing waits in any', async () => {
    const load = createFakeLoad()
    const turns = adaptiveTurns(load)
    const [one, other] = [new Work(), new Work()]
    const both = [...(await begun(turns, one, 21)), ...(await begun(turns, other, 21))]
    expect(load.watchers).toBe(1)
    await one.end(1)
    expect(load.watchers).toBe(1)
    await other.end(1)
    expect(load.watchers).toBe(0)
    for (const work of [one, other]) await work.end(20)
    await Promise.all(both)
  })

  test('a failure ends no other work, and nothing is left when all has ended', async () => {
    const load = createFakeLoad()
    const work = new Work()
    const [all] = await begun(adaptiveTurns(load), work, 50)
    const failed = expect(all).rejects.toThrow('lost')
    await work.end(1, new Error('lost'))
    await failed
    expect(load.watchers).toBe(1)
    while (work.running > 0) await work.end(100)
    expect(load.watchers).toBe(0)
  })

  test('work that throws at once leaves nothing', async () => {
    const load = createFakeLoad()
    const thrown = inParallel(adaptiveTurns(load), items(100), () => {
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
    await settle()
    expect(load.watchers).toBe(0)
  })
})

describe('a number', () => {
  test('is the limit, from the first to the last', async () => {
    const work = new Work()
    const [all] = await begun(fixedTurns(3), work, 10)
    while (work.running > 0) {
      expect(work.running).toBeLessThanOrEqual(3)
      await work.end(1)
    }
    expect(work.most).toBe(3)
    expect(await all).toEqual(items(10))
  })

  test('hosts and programs on this machine have it together', async () => {
    const { hosts, here } = fixedTurns(1).slotsOfBoth()
    const work = new Work()
    const both = [hosts(() => work.do(0)), here(() => work.do(1))]
    await settle()
    expect(work.running).toBe(1)
    for (const end of [1, 1]) await work.end(end)
    expect(await Promise.all(both)).toEqual([0, 1])
  })
})
