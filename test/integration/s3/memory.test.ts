import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runTypeScript } from '../../fixtures/run-typescript.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket } from './bucket.js'

let moto: Moto
beforeAll(async () => {
  moto = await startMoto()
  Object.assign(process.env, moto.env)
})
afterAll(() => moto.stop())

const mebibyte = 1024 * 1024

test('the memory of an upload does not grow with its file', async () => {
  const { place } = await newBucket(moto.endpoint)
  const scratch = await scratchDirectory()
  /** MiB at most while so many were uploaded. */
  const upload = async (size: number): Promise<number> => {
    const file = join(scratch, `file-${size}`)
    await writeFile(file, '')
    await truncate(file, size * mebibyte)
    const { code, stdout, stderr } = await runTypeScript('upload-file.ts', [place.bucket, `a/${size}`, file])
    expect(code, stderr).toBe(0)
    const [outcome, peak] = stdout.trim().split(' ')
    expect(outcome).toBe('created')
    return Number(peak) / 1024
  }
  // Enough for all senders and their copies on the way to the socket, against 160 MiB that are more to send.
  const [small, large] = [await upload(40), await upload(200)]
  expect(large - small, `${small} MiB, ${large} MiB`).toBeLessThan(48)
})
