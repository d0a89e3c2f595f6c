import { randomBytes } from 'node:crypto'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/clock.js'
import type { BucketPlace } from '../../../src/adapters/s3/bucket.js'
import { openS3Store } from '../../../src/adapters/s3-store.js'
import { DeliverError } from '../../../src/errors.js'
import type { Store } from '../../../src/ports.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { startFaultProxy, type Fault, type FaultProxy, type Passing } from '../rig/fault-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket } from './bucket.js'

let moto: Moto
let proxy: FaultProxy
beforeAll(async () => {
  moto = await startMoto()
  Object.assign(process.env, moto.env)
  proxy = await startFaultProxy(moto.endpoint)
})
afterAll(async () => {
  await proxy.stop()
  await moto.stop()
})

let place: BucketPlace
let client: S3Client
let store: Store
let scratch: string
beforeEach(async () => {
  proxy.fault = () => undefined
  ;({ place, client } = await newBucket(moto.endpoint))
  place = { ...place, endpoint: proxy.endpoint }
  store = await opened()
  scratch = await scratchDirectory()
})

/** With connections that give up soon, so that a silent server takes no time here. */
const opened = (change: Partial<BucketPlace> = {}): Promise<Store> =>
  openS3Store({
    place: { ...place, ...change },
    clock: systemClock,
    retryFor: 3000,
    tuning: { idleTimeout: 500 },
  })

/** The first so many requests that match have this fault. */
function faults(times: number, matches: (passing: Passing) => boolean, fault: Fault): void {
  let left = times
  proxy.fault = (passing) => (matches(passing) && left-- > 0 ? fault : undefined)
}

const isPut =
  (part: string) =>
  ({ method, url }: Passing) =>
    method === 'PUT' && url.includes(part)
const isGet =
  (part: string) =>
  ({ method, url }: Passing) =>
    method === 'GET' && url.includes(part)

async function fileOf(bytes: Buffer): Promise<string> {
  const file = join(scratch, `file-${randomBytes(4).toString('hex')}`)
  await writeFile(file, bytes)
  return file
}

async function read(key: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of (await store.read(key)) as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function errorOf(promise: Promise<unknown>): Promise<DeliverError> {
  const error: unknown = await promise.catch((reason: unknown) => reason)
  if (error instanceof DeliverError) return error
  throw new Error(`not a DeliverError: ${String(error)}`)
}

const uploads = async (): Promise<number> =>
  (await client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket }))).Uploads?.length ?? 0
const allKeys = async (): Promise<readonly (string | undefined)[]> =>
  (await client.send(new ListObjectsV2Command({ Bucket: place.bucket }))).Contents?.map(({ Key }) => Key) ??
  []

const xml = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} it is</Message></Error>`
const big = randomBytes(20 * 1024 * 1024)

describe('an upload in parts', () => {
  it('has all bytes, tells its progress, and leaves no unfinished upload', async () => {
    const told: number[] = []
    const file = await fileOf(big)
    expect(await store.create('a/big', { file }, { onProgress: (done) => told.push(done) })).toBe('created')
    expect((await read('a/big')).equals(big)).toBe(true)
    expect(told.at(-1)).toBe(big.length)
    expect(told.length).toBeGreaterThan(2)
    expect(await uploads()).toBe(0)
    expect(await store.create('a/big', { file })).toBe('exists')
  })

  it('gets over failures of parts, and over lost answers to each of its requests', async () => {
    const file = await fileOf(big)
    faults(2, isPut('partNumber=2'), { kind: 'answer', status: 503, body: xml('SlowDown') })
    expect(await store.create('a/one', { file })).toBe('created')
    faults(1, isPut('partNumber=1'), { kind: 'lose-answer' })
    expect(await store.create('a/two', { file })).toBe('created')
    faults(1, ({ method, url }) => method === 'POST' && url.includes('uploadId='), { kind: 'lose-answer' })
    expect(await store.create('a/three', { file })).toBe('created')
    for (const key of ['a/one', 'a/two', 'a/three']) expect((await read(key)).equals(big)).toBe(true)
    expect(await uploads()).toBe(0)
  })

  it('takes an error in an answer of 200 for what it is', async () => {
    const file = await fileOf(big)
    faults(1, ({ method, url }) => method === 'POST' && url.includes('uploadId='), {
      kind: 'answer',
      status: 200,
      body: xml('InternalError'),
    })
    expect(await store.create('a/big', { file })).toBe('created')
    expect((await read('a/big')).equals(big)).toBe(true)
  })

  it('leaves nothing when it fails for good, or is interrupted', async () => {
    const file = await fileOf(big)
    faults(Infinity, isPut('partNumber=3'), { kind: 'answer', status: 403, body: xml('AccessDenied') })
    const error = await errorOf(store.create('a/big', { file }))
    expect(error.message).toContain('not allowed (AccessDenied')
    expect(error.fix).toContain(
      `s3:PutObject and s3:AbortMultipartUpload on arn:aws:s3:::${place.bucket}/apps/*`,
    )
    expect(await uploads()).toBe(0)

    const controller = new AbortController()
    const reason = new Error('stop')
    proxy.fault = (passing) => {
      if (isPut('partNumber=2')(passing)) controller.abort(reason)
      return undefined
    }
    await expect(store.create('a/big', { file }, { signal: controller.signal })).rejects.toBe(reason)
    proxy.fault = () => undefined
    expect(await uploads()).toBe(0)
    expect((await allKeys()).filter((key) => key?.includes('a/big'))).toEqual([])
  })

  it('notices that the file changes meanwhile', async () => {
    const file = await fileOf(big)
    let changed: Promise<void> | undefined
    proxy.fault = (passing) => {
      if (isPut('partNumber=1')(passing)) changed ??= appendFile(file, 'more')
      return undefined
    }
    const error = await errorOf(store.create('a/big', { file }))
    await changed
    expect(error.message).toContain('was changed while it was uploaded')
    expect(await store.size('a/big')).toBeUndefined()
    expect(await uploads()).toBe(0)
  })
})

it('ends old unfinished uploads of its keys, and no others', async () => {
  const begin = (Key: string) => client.send(new CreateMultipartUploadCommand({ Bucket: place.bucket, Key }))
  for (const key of ['apps/hello/x', 'apps/hello/y', 'apps/other/x', 'elsewhere/x']) await begin(key)
  // The emulator says that each of them began in 2010.
  const century = 100 * 365 * 24 * 60 * 60_000
  expect(await store.abandonUploads?.('hello/', century)).toEqual([])
  expect(await store.abandonUploads?.('hello/', 1000)).toEqual(['hello/x', 'hello/y'])
  expect(await uploads()).toBe(2)
})

describe('a lost answer is decided by reading', () => {
  it('to the creation of an object: ours, or somebody else’s', async () => {
    faults(1, isPut('/mine'), { kind: 'lose-answer' })
    expect(await store.create('a/mine', Buffer.from('x'))).toBe('created')
    await store.create('a/theirs', Buffer.from('theirs'))
    faults(1, isPut('/theirs'), { kind: 'lose-answer' })
    expect(await store.create('a/theirs', Buffer.from('x'))).toBe('exists')
  })

  it('to the write of a document', async () => {
    faults(1, isPut('/doc'), { kind: 'lose-answer' })
    const first = await store.writeDocument('a/doc', 'one', undefined)
    expect(first).toMatchObject({ outcome: 'written', version: (await store.readDocument('a/doc'))?.version })
    if (first.outcome !== 'written') throw new Error('conflict')
    faults(1, isPut('/doc'), { kind: 'lose-answer' })
    expect((await store.writeDocument('a/doc', 'two', first.version)).outcome).toBe('written')
    faults(1, isPut('/doc'), { kind: 'answer', status: 500, body: xml('InternalError') })
    expect((await errorOf(store.writeDocument('a/doc', 'three', first.version))).kind).toBe('failed')
    expect((await store.readDocument('a/doc'))?.text).toBe('two')
  })

  it('tries again when S3 says that another write is under way', async () => {
    faults(2, isPut('/doc'), { kind: 'answer', status: 409, body: xml('ConditionalRequestConflict') })
    expect((await store.writeDocument('a/doc', 'one', undefined)).outcome).toBe('written')
  })
})

describe('a download', () => {
  it('goes on where it was cut', async () => {
    const bytes = randomBytes(3 * 1024 * 1024)
    await store.create('a/big', Buffer.from(bytes))
    faults(3, isGet('/big'), { kind: 'cut', after: 700_000 })
    const before = proxy.passed.length
    expect((await read('a/big')).equals(bytes)).toBe(true)
    expect(proxy.passed.slice(before).filter(isGet('/big'))).toHaveLength(4)
  })

  it('ends with an error when it is cut for ever, or never begins', async () => {
    await store.create('a/big', randomBytes(1024 * 1024))
    faults(Infinity, isGet('/big'), { kind: 'cut', after: 10 })
    expect((await errorOf(read('a/big'))).kind).toBe('failed')
    faults(Infinity, isGet('/big'), { kind: 'silence' })
    expect((await errorOf(read('a/big'))).message).toContain('no answer in time')
  })
})

describe('what is wrong is told with its place and a remedy', () => {
  it.each<[string, Partial<BucketPlace>, RegExp, RegExp]>([
    [
      'no such bucket',
      { bucket: 'no-such-bucket' },
      /there is no bucket no-such-bucket/,
      /aws s3 mb s3:\/\/no-such-bucket/,
    ],
    [
      'nobody there',
      { endpoint: 'http://127.0.0.1:9' },
      /http:\/\/127\.0\.0\.1:9 can't be reached \(ECONNREFUSED\)/,
      /store\.s3\.endpoint/,
    ],
    [
      'no such profile',
      { profile: 'no-such-profile' },
      /no usable credentials of profile no-such-profile/,
      /aws sso login --profile no-such-profile/,
    ],
  ])('%s', async (_what, change, message, fix) => {
    // The environment's keys would win over the profile.
    const { AWS_ACCESS_KEY_ID: key } = process.env
    if (change.profile !== undefined) delete process.env.AWS_ACCESS_KEY_ID
    try {
      const other = await opened(change)
      const errors = await Promise.all([
        errorOf(other.readDocument('a/doc')),
        errorOf(other.create('a/b', Buffer.from('x'))),
        errorOf(other.list('a/')),
      ])
      for (const error of errors) {
        expect(error.message).toMatch(message)
        expect(error.fix).toMatch(fix)
      }
    } finally {
      process.env.AWS_ACCESS_KEY_ID = key
    }
  })

  it.each([
    [
      403,
      'AccessDenied',
      /not allowed \(AccessDenied/,
      /s3:GetObject on arn:aws:s3:::.*\/apps\/\* and s3:ListBucket/,
    ],
    [400, 'ExpiredToken', /have expired/, /Log in/],
    [403, 'RequestTimeTooSkewed', /clock of this machine is wrong/, /NTP/],
    [503, 'SlowDown', /too many requests/, /again/],
  ])('%i %s, also where the question was HEAD', async (status, code, message, fix) => {
    proxy.fault = ({ method }) => ({ kind: 'answer', status, body: method === 'HEAD' ? '' : xml(code) })
    for (const error of [await errorOf(store.readDocument('a/doc')), await errorOf(store.size('a/doc'))]) {
      if (status === 503) expect(error.message).toMatch(/too many requests/)
      else expect(error.message).toMatch(message)
      expect(error.fix).toMatch(fix)
      expect(error.message).not.toContain('testing-secret')
    }
  })

  it('another region', async () => {
    const headers = { 'x-amz-bucket-region': 'us-east-2' }
    proxy.fault = () => ({ kind: 'answer', status: 301, body: xml('PermanentRedirect'), headers })
    expect((await errorOf(store.readDocument('a/doc'))).fix).toBe("Set store.s3.region to 'us-east-2'.")
  })
})

describe('a store that ignores conditions', () => {
  it.each([
    ['If-None-Match', ['if-none-match']],
    ['If-Match', ['if-match']],
    ['If-None-Match', ['if-none-match', 'if-match']],
  ])('is refused before the first write: %s', async (name, headers) => {
    proxy.fault = () => ({ kind: 'strip', headers })
    for (const write of [
      store.writeDocument('a/doc', 'x', undefined),
      store.create('a/b', Buffer.from('x')),
    ]) {
      const error = await errorOf(write)
      expect(error.kind).toBe('precondition')
      expect(error.message).toContain(`the store ignores ${name}`)
    }
    expect(await allKeys()).toEqual([])
  })

  it('is looked for once, and the probe is removed', async () => {
    await Promise.all(['one', 'two'].map((key) => store.writeDocument(`a/${key}`, 'x', undefined)))
    await store.create('a/three', Buffer.from('x'))
    expect(await allKeys()).toEqual(['apps/a/one', 'apps/a/three', 'apps/a/two'])
    expect(
      proxy.passed.filter(
        ({ method, url }) => method === 'DELETE' && url.includes(place.bucket) && url.includes('write-probe'),
      ),
    ).toHaveLength(1)
  })
})

it('lists more keys than a page has, and stops at a listing without end', async () => {
  const keys = Array.from({ length: 23 }, (_, index) => `a/${String(index).padStart(2, '0')}`)
  await Promise.all(keys.map((key) => store.writeDocument(key, 'x', undefined)))
  const before = proxy.passed.length
  proxy.fault = ({ url }) => ({ kind: 'rewrite', url: `${url}&max-keys=5` })
  expect((await store.list('a/')).map(({ key }) => key)).toEqual(keys)
  expect(proxy.passed.slice(before)).toHaveLength(5)
  const page =
    '<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>'
  proxy.fault = () => ({ kind: 'answer', status: 200, body: page })
  expect((await errorOf(store.list('a/'))).message).toContain('goes on, and not where')
})
