import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { runTypeScript } from '../fixtures/run-typescript.js'

it('loses no update of 50 processes that write one document at once', { timeout: 180_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'deliver-race-'))
  const results = await Promise.all(
    Array.from({ length: 50 }, () => runTypeScript('count-up.ts', [directory, '4'])),
  )
  expect(results.filter(({ code }) => code !== 0)).toEqual([])
  expect((await createDirectoryStore({ directory }).readDocument('app/count'))?.text).toBe('200')
  expect(await readFile(join(directory, 'app/count'), 'utf8')).toBe('200')
  // Otherwise they didn't meet, and this showed nothing.
  expect(results.some(({ stdout }) => Number(stdout) > 0)).toBe(true)
  await rm(directory, { recursive: true })
})
