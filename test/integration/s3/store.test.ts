import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import { openS3Alias } from '../../../src/adapters/s3-alias.js'
import { openS3Store } from '../../../src/adapters/s3-store.js'
import { describeAlias } from '../../contract/alias.js'
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

describeAlias('an object in a bucket', async () => {
  const { place, client } = await newBucket(moto.endpoint)
  const object = { Bucket: place.bucket, Key: 'api/api.tar' }
  return {
    alias: await openS3Alias({ ...opened(place), key: object.Key }),
    scratch: await scratchDirectory(),
    read: async () => {
      const answer = await client.send(new GetObjectCommand(object)).catch(() => undefined)
      return answer?.Body === undefined ? undefined : Buffer.from(await answer.Body.transformToByteArray())
    },
    overwrite: async (Body) => {
      await client.send(new PutObjectCommand({ ...object, Body }))
    },
  }
})
