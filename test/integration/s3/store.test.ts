import { afterAll, beforeAll } from 'vitest'
import { openS3Store } from '../../../src/adapters/s3-store.js'
import { describeStore } from '../../contract/store.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket, opened } from './bucket.js'

let moto: Moto
beforeAll(async () => {
  moto = await startMoto()
  Object.assign(process.env, moto.env)
})
afterAll(() => moto.stop())

describeStore('the S3 store', async () => {
  const { place } = await newBucket(moto.endpoint)
  return { store: await openS3Store(opened(place)), scratch: await scratchDirectory() }
})
