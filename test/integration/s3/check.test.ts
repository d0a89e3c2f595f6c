import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Place } from '../../e2e/place.js'
import { startFaultProxy, type FaultProxy, type Passing } from '../rig/fault-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket } from './bucket.js'

/** `deliver check` against a bucket, and against buckets in which something is not allowed or not kept. */
let moto: Moto
let proxy: FaultProxy
let place: Place
let client: S3Client
let bucket: string

beforeAll(async () => {
  moto = await startMoto()
  proxy = await startFaultProxy(moto.endpoint)
  Object.assign(process.env, moto.env)
  place = await Place.create(1, '', { ...moto.env, AWS_ENDPOINT_URL: proxy.endpoint })
})
afterAll(async () => {
  await proxy.stop()
  await moto.stop()
})
beforeEach(async () => {
  proxy.fault = () => undefined
  const made = await newBucket(moto.endpoint)
  client = made.client
  bucket = made.place.bucket
  configure(bucket)
})

function configure(name: string): void {
  place.configure({
    store: { s3: { bucket: name, prefix: 'apps', region: 'eu-west-1', forcePathStyle: true } },
  })
}

function forbid(matches: (passing: Passing) => boolean): void {
  const body = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
  proxy.fault = (passing) => (matches(passing) ? { kind: 'answer', status: 403, body } : undefined)
}

test('a bucket with all rights is well, and nothing stays in it', async () => {
  const { code, output } = await place.run('check')
  expect(code, output).toBe(0)
  const { ListObjectsV2Command } = await import('@aws-sdk/client-s3')
  expect((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(0)
})

test.each([
  ['PUT', 'problem', 's3:PutObject'],
  ['DELETE', 'warning', 's3:DeleteObject'],
])('without the right to %s it names the permission, and goes on', async (method, level, permission) => {
  forbid((passing) => passing.method === method && !passing.url.includes('write-probe'))
  const { code, output } = await place.run('check')
  expect(code, output).toBe(level === 'problem' ? 8 : 0)
  expect(output).toMatch(new RegExp(`${level} +store`))
  expect(output).toContain(`Allow ${permission}`)
  expect(output).toMatch(/ok +web1/)
})

test('without the right to list, that is what is missing', async () => {
  forbid(({ url }) => url.includes('list-type=2'))
  const { code, output } = await place.run('check')
  expect(code, output).toBe(8)
  expect(output).toContain('Allow s3:ListBucket on arn:aws:s3:::')
})

test('a store that ignores conditions is refused', async () => {
  proxy.fault = ({ method }) =>
    method === 'PUT' ? { kind: 'strip', headers: ['if-none-match', 'if-match'] } : undefined
  const { code, output } = await place.run('check')
  expect(code, output).toBe(8)
  expect(output).toMatch(/problem +store .*ignores If-None-Match/)
})

test('a bucket that is not there is one problem, not three', async () => {
  configure(`${bucket}-gone`)
  const { code, output } = await place.run('check')
  expect(code, output).toBe(8)
  expect(output.match(/^problem /gm)).toHaveLength(1)
  expect(output).toContain(`there is no bucket ${bucket}-gone`)
})

test('uploads of ours that never ended are found, and ended by --fix alone', async () => {
  const start = (key: string) => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }))
  await start('apps/hello/releases/v1/archive.tar.gz')
  await start('apps/other/archive')
  const keys = async () =>
    ((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).map(
      ({ Key }) => Key,
    )
  const found = await place.run('check')
  expect(found.output).toMatch(/warning +store +1 upload never ended.*hello\/releases\/v1\/archive\.tar\.gz/)
  expect(await keys()).toHaveLength(2)
  const fixed = await place.run('check', '--fix')
  expect(fixed.code, fixed.output).toBe(0)
  expect(fixed.output).not.toMatch(/never ended/)
  expect(await keys()).toEqual(['apps/other/archive'])
})
