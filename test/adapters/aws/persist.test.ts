import { describe, expect, it } from 'vitest'
import { persist } from '../../../src/adapters/aws/persist.js'
import { createTurnableClock, settle } from '../../fakes/clock.js'

function failing(code: string, status?: number): Error {
  return Object.assign(new Error(code), { name: code, $metadata: { httpStatusCode: status } })
}

/** Fails with these, one after the other, and then works. */
function script(...failures: readonly Error[]) {
  const left = [...failures]
  const calls: AbortSignal[] = []
  return {
    calls,
    work: (signal: AbortSignal): Promise<string> => {
      calls.push(signal)
      const next = left.shift()
      return next === undefined ? Promise.resolve('done') : Promise.reject(next)
    },
  }
}

const pending = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(Object.assign(new Error('aborted'), { name: 'AbortError' })),
    )
  })

describe('persist', () => {
  it('repeats what passes, waiting longer each time, and then gives the answer', async () => {
    const clock = createTurnableClock()
    const started = clock.now()
    const { work, calls } = script(
      failing('SlowDown', 503),
      failing('InternalError', 500),
      Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
    )
    const done = persist(work, { clock, random: () => 1 })
    await clock.turn(499)
    expect(calls).toHaveLength(1)
    await clock.turn(1)
    expect(calls).toHaveLength(2)
    await clock.turn(200)
    expect(calls).toHaveLength(3)
    await clock.turn(400)
    expect(await done).toBe('done')
    expect(clock.now() - started).toBe(1100)
    expect(clock.sleepers).toBe(0)
  })

  it.each([
    ['AccessDenied', 403],
    ['NoSuchBucket', 404],
    ['PreconditionFailed', 412],
    ['NotImplemented', 501],
    ['TypeError', undefined],
  ])('asks once where a repetition is in vain: %s', async (code, status) => {
    const clock = createTurnableClock()
    const { work, calls } = script(failing(code, status))
    await expect(persist(work, { clock })).rejects.toThrow(code)
    expect(calls).toHaveLength(1)
    expect(clock.sleepers).toBe(0)
  })

  it('ends with the last failure when the time for attempts is over', async () => {
    const clock = createTurnableClock()
    const { work, calls } = script(...Array.from({ length: 1000 }, () => failing('SlowDown', 503)))
    const started = clock.now()
    let ended = 0
    const done = persist(work, { clock, retryFor: 60_000 }).finally(() => (ended = clock.now() - started))
    const failed = expect(done).rejects.toThrow('SlowDown')
    await clock.turn(120_000)
    await failed
    expect(ended).toBeLessThanOrEqual(60_000)
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.length).toBeLessThan(20)
  })

  it('looks for a server that can not be found for a shorter time', async () => {
    const clock = createTurnableClock()
    const gone = Array.from({ length: 1000 }, () =>
      Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    )
    const started = clock.now()
    let ended = 0
    const done = persist(script(...gone).work, { clock }).finally(() => (ended = clock.now() - started))
    const failed = expect(done).rejects.toThrow('refused')
    await clock.turn(60_000)
    await failed
    expect(ended).toBeGreaterThan(5000)
    expect(ended).toBeLessThanOrEqual(20_000)
  })

  it('gives up an attempt that never answers, and tells its request', async () => {
    const clock = createTurnableClock()
    const signals: AbortSignal[] = []
    const done = persist((signal) => (signals.push(signal), pending(signal)), { clock, deadline: 5000 })
    const failed = expect(done).rejects.toThrow('no answer within 5 s')
    await clock.turn(5000)
    await failed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('is over at once when aborted: before, during a request, and between two', async () => {
    const clock = createTurnableClock()
    const reason = new Error('stop')
    const early = script()
    await expect(persist(early.work, { clock, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(early.calls).toEqual([])

    const during = new AbortController()
    const asked = persist(() => new Promise<never>(() => undefined), { clock, signal: during.signal })
    during.abort(reason)
    await expect(asked).rejects.toBe(reason)

    const between = new AbortController()
    const slow = script(failing('SlowDown', 503))
    const waited = persist(slow.work, { clock, signal: between.signal })
    await settle()
    between.abort(reason)
    await expect(waited).rejects.toBe(reason)
    expect(clock.sleepers).toBe(0)
  })
})
