import { afterEach, expect, test } from 'vitest'
import type { HealthConfig } from '../../src/config/types.js'
import { watchHealth } from '../../src/execute/watch-health.js'
import { World } from './world.js'

let world: World
afterEach(() => world.close())

const health: HealthConfig = {
  // Whoever asks is counted; the answers that are named in `bad` are bad.
  check: {
    kind: 'command',
    command: 'cd "$DELIVER_PATH"; echo . >>asked; ! grep -qx "$(grep -c . asked)" bad 2>/dev/null',
  },
  successes: 1,
  minUptime: 0,
  interval: 1_000,
  timeout: 5_000,
  deadline: 5_000,
}

async function watch(bad: readonly number[], signals: { stop?: AbortSignal; lost?: AbortSignal } = {}) {
  world = await World.running('web1')
  world.host('web1').put('bad', bad.join('\n'))
  const started = world.hosts.clock.now()
  const host = world.link(world.host('web1').host)
  const settled = await watchHealth(world.run({ config: { health }, ...signals }), host, 'v1', 10_000)
  return { settled, seconds: (world.hosts.clock.now() - started) / 1_000 }
}

test('a host that stays well is watched to the end', async () => {
  expect(await watch([])).toEqual({ settled: { kind: 'healthy', answers: 11 }, seconds: 10 })
})

test('a hiccup of two answers is none', async () => {
  expect((await watch([2, 3, 6])).settled).toEqual({ kind: 'healthy', answers: 8 })
})

test('three bad answers in a row are the end', async () => {
  expect(await watch([3, 4, 5])).toMatchObject({
    settled: { kind: 'unhealthy', because: 'no longer healthy: the command exited 1' },
    seconds: 4,
  })
})

test('the watch does not end on a bad answer', async () => {
  expect(await watch([11])).toEqual({ settled: { kind: 'healthy', answers: 11 }, seconds: 11 })
  expect((await watch([11, 12, 13])).settled.kind).toBe('unhealthy')
})

test('it ends when somebody asks to stop, or the lock is lost', async () => {
  const aborted = AbortSignal.abort(new Error('now'))
  expect(await watch([], { stop: aborted })).toMatchObject({ settled: { kind: 'healthy' }, seconds: 0 })
  expect((await watch([], { lost: aborted })).settled).toMatchObject({
    kind: 'unhealthy',
    because: 'the deploy lost its lock',
  })
})
