import { pbkdf2Sync } from 'node:crypto'
import { expect, test } from 'vitest'
import { createMachineLoad } from '../../src/adapters/machine-load.js'
import type { Reading } from '../../src/ports.js'
import { describeLoad } from '../contract/load.js'
import { runTypeScript } from '../fixtures/run-typescript.js'

describeLoad('this machine', () => ({ load: createMachineLoad(), pass: () => Promise.resolve() }))

/** The first reading for which this holds; the test's time limit is the only other end. */
function readingWhere(holds: (reading: Reading) => boolean): Promise<Reading> {
  return new Promise((resolve) => {
    const stop = createMachineLoad().watch((reading) => {
      if (!holds(reading)) return
      stop()
      resolve(reading)
    })
  })
}

test('a process that waits is not busy, and one that computes all the time is', async () => {
  await readingWhere(({ busy }) => busy < 0.5)
  let done = false
  const compute = (): void => {
    pbkdf2Sync('a', 'b', 10_000, 32, 'sha256')
    if (!done) setImmediate(compute)
  }
  setImmediate(compute)
  const { used } = await readingWhere(({ busy }) => busy > 0.9)
  done = true
  expect(used).toBeGreaterThan(10 * 2 ** 20)
})

test('watching keeps no process alive', async () => {
  expect(await runTypeScript('./watch-load.ts', [])).toEqual({ code: 0, stdout: '', stderr: '' })
})
