import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withRepositoryLock } from '../../src/build/repository-lock.js'
import { realClock, scratchDirectory } from './repository.js'

const host = hostname().replace(/[^A-Za-z0-9-]/g, '_')

function claim(state: string, name: string): string {
  mkdirSync(join(state, 'lock'), { recursive: true })
  const path = join(state, 'lock', name)
  writeFileSync(path, '')
  return path
}

describe('withRepositoryLock', () => {
  it('lets one in at a time', async () => {
    const state = scratchDirectory()
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await realClock.sleep(5)
      inside--
    }
    const lock = { clock: realClock, wait: 20_000 }
    await Promise.all(Array.from({ length: 6 }, () => withRepositoryLock(state, lock, work)))
    expect(most).toBe(1)
    expect(readdirSync(join(state, 'lock'))).toEqual([])
  })

  it('passes over the claim of a dead process', async () => {
    const state = scratchDirectory()
    const { pid } = spawnSync('true')
    const path = claim(state, `${host}.${pid}.0.abc`)
    expect(await withRepositoryLock(state, { clock: realClock, wait: 0 }, async () => 'ran')).toBe('ran')
    expect(existsSync(path)).toBe(false)
  })

  it.skipIf(!existsSync('/proc/self/stat'))(
    'passes over a claim whose process id another process has now',
    async () => {
      const state = scratchDirectory()
      claim(state, `${host}.${process.pid}.1.abc`)
      expect(await withRepositoryLock(state, { clock: realClock, wait: 0 }, async () => 'ran')).toBe('ran')
    },
  )

  it.each(['this machine', 'another machine'])(
    'names a live process of %s, and what to do',
    async (where) => {
      const state = scratchDirectory()
      const child = spawn('sleep', ['60'])
      const name = `${where === 'this machine' ? host : 'elsewhere'}.${child.pid ?? 0}.0.abc`
      const path = claim(state, name)
      await expect(
        withRepositoryLock(state, { clock: realClock, wait: 0 }, async () => 'ran'),
      ).rejects.toMatchObject({
        kind: 'locked',
        fix: expect.stringContaining(path) as string,
      })
      child.kill('SIGKILL')
      expect(existsSync(path)).toBe(true)
    },
  )

  it('is released when the work fails', async () => {
    const state = scratchDirectory()
    const failing = withRepositoryLock(state, { clock: realClock, wait: 0 }, () =>
      Promise.reject(new Error('broken')),
    )
    await expect(failing).rejects.toThrow('broken')
    expect(readdirSync(join(state, 'lock'))).toEqual([])
  })
})
