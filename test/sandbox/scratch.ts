import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js'

const undo: (() => Promise<void>)[] = []

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A directory that is gone after the file's tests. */
export async function scratchDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'deliver-test-')))
  undo.push(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A sandbox that is stopped after the file's tests. */
export async function scratchSandbox(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const directory = options.directory ?? join(await scratchDirectory(), 'sandbox')
  const sandbox = await startSandbox({ hosts: 1, appPort: 3000, ...options, directory })
  undo.push(() => sandbox.stop())
  return sandbox
}

/** Waits for something to become true, at most 25 s: a busy machine starts processes slowly. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 25_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 25 s: ${what}`)
    await sleep(20)
  }
}
