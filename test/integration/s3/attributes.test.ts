import { GetObjectAclCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openS3Alias } from '../../../src/adapters/s3-alias.js'
import { openS3Store } from '../../../src/adapters/s3-store.js'
import type { BucketPlace } from '../../../src/adapters/s3/bucket.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { startFaultProxy, type FaultProxy } from '../rig/fault-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket, opened } from './bucket.js'

/** Encryption, access and storage class, as the config says them, on everything that is written. */
let moto: Moto
let proxy: FaultProxy
let place: BucketPlace
let client: S3Client

beforeAll(async () => {
  moto = await startMoto()
  Object.assign(process.env, moto.env)
  proxy = await startFaultProxy(moto.endpoint)
})
afterAll(async () => {
  await proxy.stop()
  await moto.stop()
})
beforeEach(async () => {
  proxy.fault = () => undefined
  ;({ place, client } = await newBucket(moto.endpoint))
})

const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket: place.bucket, Key }))

async function large(): Promise<string> {
  const file = join(await scratchDirectory(), 'large')
  await writeFile(file, Buffer.alloc(9 * 1024 * 1024, 'x'))
  return file
}

test('a key, an access list and a storage class are on small and large objects, documents and the alias', async () => {
  const settings = {
    sse: 'aws:kms',
    kmsKey: 'key-1',
    acl: 'public-read',
    storageClass: 'STANDARD_IA',
  } as const
  const where = opened({ ...place, ...settings })
  const store = await openS3Store(where)
  const file = await large()
  await store.create('a/small', Buffer.from('x'))
  await store.create('a/large', { file })
  await store.writeDocument('a/document', 'x', undefined)
  const alias = await openS3Alias({ ...where, key: 'api/api.tar' })
  await alias.replace(file, { label: 'v1', matches: () => Promise.resolve(true) })
  for (const key of ['apps/a/small', 'apps/a/large', 'apps/a/document', 'api/api.tar']) {
    const found = await head(key)
    expect([key, found.ServerSideEncryption, found.SSEKMSKeyId]).toEqual([key, 'aws:kms', 'key-1'])
    const { Grants = [] } = await client.send(new GetObjectAclCommand({ Bucket: place.bucket, Key: key }))
    expect(
      Grants.some(({ Grantee, Permission }) => /AllUsers$/.test(Grantee?.URI ?? '') && Permission === 'READ'),
      key,
    ).toBe(true)
  }
  // The pointer and the lock are read and written all the time, which these classes charge for.
  expect((await head('apps/a/document')).StorageClass).toBeUndefined()
  for (const key of ['apps/a/small', 'apps/a/large', 'api/api.tar'])
    expect((await head(key)).StorageClass, key).toBe('STANDARD_IA')
})

test('without these settings nothing is asked for, and the bucket decides', async () => {
  const store = await openS3Store(opened(place))
  await store.create('a/small', Buffer.from('x'))
  const { ServerSideEncryption, StorageClass } = await head('apps/a/small')
  expect([ServerSideEncryption, StorageClass]).toEqual([undefined, undefined])
})

test.each([
  ['AccessControlListNotSupported', 400, { acl: 'public-read' }, /ACLs disabled/, /Remove store\.s3\.acl/],
  [
    'AccessDenied',
    403,
    { acl: 'public-read', sse: 'aws:kms' },
    /not allowed/,
    /s3:PutObjectAcl too and kms:GenerateDataKey and kms:Decrypt/,
  ],
  ['KMS.NotFoundException', 400, { sse: 'aws:kms', kmsKey: 'no' }, /no such KMS key/, /store\.s3\.kmsKey/],
] as const)('%s tells which setting or permission it is', async (code, status, settings, message, fix) => {
  const store = await openS3Store(opened({ ...place, ...settings, endpoint: proxy.endpoint }))
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`
  proxy.fault = ({ method }) => (method === 'PUT' ? { kind: 'answer', status, body } : undefined)
  await expect(store.create('a/small', Buffer.from('x'))).rejects.toMatchObject({
    kind: 'precondition',
    message: expect.stringMatching(message) as string,
    fix: expect.stringMatching(fix) as string,
  })
})
