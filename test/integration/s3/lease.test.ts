import { createInterface } from 'node:readline'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { BucketPlace } from '../../../src/adapters/s3/bucket.js'
import { openS3Store } from '../../../src/adapters/s3-store.js'
import { readHolder } from '../../../src/store/lock.js'
import { startTypeScript } from '../../fixtures/run-typescript.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket, opened } from './bucket.js'

let moto: Moto
let place: BucketPlace
let url: string
beforeAll(async () => {
  moto = await startMoto()
  Object.assign(process.env, moto.env)
})
afterAll(() => moto.stop())
beforeEach(async () => {
  ;({ place } = await newBucket(moto.endpoint))
  url = `s3://${place.bucket}`
})

function linesOf(child: ReturnType<typeof startTypeScript>): () => Promise<unknown> {
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return async (): Promise<unknown> => {
    const next: IteratorResult<unknown, unknown> = await lines.next()
    return next.value
  }
}

it('lets one of 50 processes proceed, and tells the others that it is locked', async () => {
  const children = Array.from({ length: 50 }, () =>
    startTypeScript('hold-lease.ts', [url, '600000', '600000']),
  )
  try {
    const answers = await Promise.all(children.map((child) => linesOf(child)()))
    expect(answers.filter((answer) => answer === 'held 1')).toHaveLength(1)
    expect(answers.filter((answer) => answer === 'locked')).toHaveLength(49)
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
})

it('stops a process that was suspended while another took over', async () => {
  const old = startTypeScript('hold-lease.ts', [url, '4000', '60000'])
  try {
    const next = linesOf(old)
    expect(await next()).toBe('held 1')
    expect(await next()).toBe('yes')
    old.kill('SIGSTOP')
    const taker = startTypeScript('hold-lease.ts', [url, '600000', '60000', '60000'])
    try {
      expect(await linesOf(taker)()).toBe('held 2')
      old.kill('SIGCONT')
      const rest: unknown[] = []
      for (let line = await next(); line !== undefined; line = await next()) rest.push(line)
      expect(rest.at(-1)).toBe('no')
      expect(rest.filter((line) => line === 'no')).toHaveLength(1)
      // It has written nothing since: the lock is the taker's, as it was.
      const holder = await readHolder(await openS3Store(opened(place)), 'api', 'prod')
      expect(holder).toMatchObject({ fence: 2, pid: taker.pid })
    } finally {
      taker.kill('SIGKILL')
    }
  } finally {
    old.kill('SIGKILL')
  }
})

it('is free again when its holder was killed, once the time is over by the clock of the store', async () => {
  const dead = startTypeScript('hold-lease.ts', [url, '2000', '60000'])
  expect(await linesOf(dead)()).toBe('held 1')
  dead.kill('SIGKILL')
  const next = startTypeScript('hold-lease.ts', [url, '600000', '0', '60000'])
  expect(await linesOf(next)()).toBe('held 2')
})
