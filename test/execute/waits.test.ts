import { expect, test } from 'vitest'
import { waitsOf } from '../../src/execute/waits.js'
import { configWith } from './world.js'

const none = { once: 0, batch: 0 }

test('the waits of a rollout come from its config', () => {
  const waits = waitsOf(configWith(), none)
  expect(waits).toMatchObject({ restart: 20_000, settle: 1_500, concurrency: 10, around: none })
  expect(waits.worst.switch).toBeGreaterThan(waits.restart + waits.settle)
  expect(waits.worst.return).toBeGreaterThan(waits.worst.switch)
})

test('with a limit that adapts, no more turns are counted on than there always are', () => {
  const { ssh } = configWith()
  expect(waitsOf(configWith({ ssh: { ...ssh, concurrency: 'auto' } }), none).concurrency).toBe(8)
})

test('taking a batch out of traffic and bringing it back is waited for, hooks too', () => {
  const drained = configWith({}, { drain: { kind: 'standby' }, drainTimeout: 600_000 })
  expect(waitsOf(drained, { once: 3, batch: 4 }).around).toEqual({ once: 3, batch: 1_200_004 })
})
