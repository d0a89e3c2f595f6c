import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { describeStore } from '../contract/store.js'
import { createMemoryStore } from './memory-store.js'

let scratch: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'deliver-memory-store-'))
})
afterEach(() => rm(scratch, { recursive: true, force: true }))

describeStore('the memory store', () => Promise.resolve({ store: createMemoryStore(), scratch }))
