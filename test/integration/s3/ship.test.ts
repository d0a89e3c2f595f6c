import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BucketPlace } from '../../../src/adapters/s3/bucket.js'
import { openS3Store } from '../../../src/adapters/s3-store.js'
import type { Store } from '../../../src/ports.js'
import { Place } from '../../e2e/place.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { startFaultProxy, type FaultProxy } from '../rig/fault-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { askedOfS3, readPolicy } from '../rig/policy.js'
import { newBucket, opened } from './bucket.js'

let moto: Moto
let proxy: FaultProxy
let place: Place
let bucket: BucketPlace
let client: S3Client
let store: Store
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  moto = await startMoto()
  proxy = await startFaultProxy(moto.endpoint)
  env = { ...moto.env, AWS_ENDPOINT_URL: proxy.endpoint }
  Object.assign(process.env, moto.env)
  ;({ place: bucket, client } = await newBucket(moto.endpoint))
  store = await openS3Store(opened(bucket))
  place = await Place.create(2, '', env)
  configure()
})
afterAll(async () => {
  await proxy.stop()
  await moto.stop()
})

function configure(): void {
  const { bucket: name, prefix, forcePathStyle } = bucket
  place.configure({
    store: { s3: { bucket: name, prefix, forcePathStyle }, keep: 1, alias: 'hello/hello.tar' },
  })
}

/** As scripts of old get it: with s3cmd and a plain tar. */
async function unpacked(key: string): Promise<string> {
  const directory = await scratchDirectory()
  const archive = join(directory, 'archive')
  const { host } = new URL(moto.endpoint)
  const own = [
    `--host=${host}`,
    `--host-bucket=${host}`,
    '--no-ssl',
    '--config=/dev/null',
    '--region=eu-west-1',
  ]
  execFileSync('s3cmd', [...own, 'get', '--quiet', `s3://${bucket.bucket}/${key}`, archive], {
    env: { ...process.env, ...moto.env },
    stdio: 'pipe',
  })
  const tree = join(directory, 'tree')
  mkdirSync(tree)
  execFileSync('tar', ['-xf', archive, '-C', tree])
  expect(existsSync(join(tree, 'node_modules/greet/index.js'))).toBe(true)
  return readFileSync(join(tree, 'RELEASE'), 'utf8').trim()
}

async function pointer(): Promise<unknown> {
  const found: unknown = JSON.parse(
    (await store.readDocument('hello/production/current.json'))?.text ?? 'null',
  )
  return typeof found === 'object' && found !== null && 'release' in found ? found.release : undefined
}

async function releases(): Promise<readonly string[]> {
  const keys = await store.list('hello/releases/')
  return [...new Set(keys.map(({ key }) => key.split('/')[2] ?? ''))].sort()
}

const on = (release: string): readonly string[] => ['web1', 'web2'].map((host) => `${host} ${release}`)

describe('the main job with a store in S3', () => {
  test('ship: the hosts run the release, pointer and alias have it, and old tools unpack it', async () => {
    const { code, output } = await place.ship('v1')
    expect(code, output).toBe(0)
    expect(output).toContain(`s3://${bucket.bucket}/apps`)
    expect(output).not.toContain('testing-secret')
    expect(await place.running()).toEqual(on('v1'))
    expect(await pointer()).toBe('v1')
    expect(await unpacked('hello/hello.tar')).toBe('v1')
    expect(await unpacked('apps/hello/releases/v1/archive.tar.gz')).toBe('v1')
  })

  test('the next ones: store.keep bounds the store, and leaves what may be needed', async () => {
    for (const release of ['v2', 'v3']) {
      const { code, output } = await place.ship(release)
      expect(code, output).toBe(0)
    }
    expect(await place.running()).toEqual(on('v3'))
    expect(await releases()).toEqual(['v2', 'v3'])
    expect(await unpacked('hello/hello.tar')).toBe('v3')
  })

  test('an alias that could not be written: 4, and the same deploy again repairs it', async () => {
    await place.publish('v4')
    proxy.fault = ({ method, url }) =>
      method === 'PUT' && url.includes('/hello/hello.tar') && !url.includes('/apps/')
        ? { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
        : undefined
    const failed = await place.run('deploy', 'v4')
    proxy.fault = () => undefined
    expect(failed.code, failed.output).toBe(4)
    expect(failed.output).toContain(`s3://${bucket.bucket}/hello/hello.tar`)
    expect(await pointer()).toBe('v4')
    expect(await unpacked('hello/hello.tar')).toBe('v3')
    const before = await place.answers()
    const repaired = await place.run('deploy', 'v4')
    expect(repaired.code, repaired.output).toBe(0)
    expect(await unpacked('hello/hello.tar')).toBe('v4')
    expect(await place.answers()).toEqual(before)
  })

  test('rollback takes pointer and alias along, whoever wrote to the alias meanwhile', async () => {
    const object = { Bucket: bucket.bucket, Key: 'hello/hello.tar', Body: Buffer.from('by hand') }
    await client.send(new PutObjectCommand(object))
    const { code, output } = await place.run('rollback')
    expect(code, output).toBe(0)
    expect(await place.running()).toEqual(on('v3'))
    expect(await pointer()).toBe('v3')
    expect(await unpacked('hello/hello.tar')).toBe('v3')
  })

  test('prune says why, removes nothing in a dry run, and asks how many stay', async () => {
    await store.create('hello/releases/half/archive.tar.gz', Buffer.from('x'))
    const before = await releases()
    const dry = await place.run('prune', '--dry-run')
    expect(dry.code, dry.output).toBe(0)
    expect(dry.output).toMatch(/v3\s+stays\s+production is on it/)
    expect(dry.output).toMatch(/half\s+stays\s+it may be on its way/)
    expect(await releases()).toEqual(before)
    const { code, output } = await place.run('prune', '--keep', '1')
    expect(code, output).toBe(0)
    expect(await releases()).toContain('v3')
    expect(await place.run('prune', '--keep', '0')).toMatchObject({ code: 2 })
  })

  test('a second deploy while one runs: locked', async () => {
    const held = place.start('deploy', 'v4')
    await held.seen(/rollout|host-state/)
    const second = await place.run('deploy', 'v4')
    expect(second.code, second.output).toBe(3)
    expect((await held.finished).code).toBe(0)
  })

  test('all that was asked of the bucket is in the policy that deliver iam prints, and it has nothing else', async () => {
    const policy = readPolicy(await place.run('iam'))
    const asked = proxy.passed.map(askedOfS3)
    expect(asked.filter((each) => !policy.allows(each))).toEqual([])
    const used = new Set(asked.map(({ action }) => action))
    // Of an upload in parts that is interrupted; archives this small go up in one.
    const unused = policy.actions.filter((action) => !used.has(action))
    expect(unused).toEqual(['s3:AbortMultipartUpload'])
  })

  test('a bucket that is not there is told before anything is built', async () => {
    place.configure({
      build: { setup: 'touch ../built' },
      store: { s3: { bucket: 'no-such-bucket', prefix: bucket.prefix, forcePathStyle: true } },
    })
    const shipped = await place.ship('v9')
    expect(shipped.code, shipped.output).not.toBe(0)
    expect(shipped.output).toContain('there is no bucket no-such-bucket')
    expect(existsSync(join(place.directory, '..', 'built'))).toBe(false)
  })
})
