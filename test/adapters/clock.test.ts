import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock.js'

describe('the system clock', () => {
  it('sleeps at least as long as told', async () => {
    const started = performance.now()
    await systemClock.sleep(20)
    expect(performance.now() - started).toBeGreaterThanOrEqual(20)
  })

  it('rejects with the reason of the signal, before and during', async () => {
    const reason = new Error('stop')
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(systemClock.sleep(0, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const asleep = systemClock.sleep(60_000, controller.signal)
    controller.abort(reason)
    await expect(asleep).rejects.toBe(reason)
  })

  it('leaves no listener on the signal', async () => {
    const controller = new AbortController()
    for (let i = 0; i < 5; i++) await systemClock.sleep(1, controller.signal)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it('does not wake early from a sleep longer than a timer can be', async () => {
    const controller = new AbortController()
    let awake = false
    const asleep = systemClock.sleep(2 ** 40, controller.signal).finally(() => (awake = true))
    await systemClock.sleep(20)
    expect(awake).toBe(false)
    controller.abort(new Error('stop'))
    await expect(asleep).rejects.toThrow('stop')
  })
})
