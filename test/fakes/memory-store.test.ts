import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeStore } from '../contract/store.js'
import { createMemoryStore } from './memory-store.js'

describeStore('the memory store', async () => ({
  store: createMemoryStore(),
  scratch: await mkdtemp(join(tmpdir(), 'deliver-store-')),
}))
