import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/adapters/clock.js'
import { presignReads } from '../../../src/adapters/s3/presign.js'
import { Place } from '../../e2e/place.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { deliver } from '../rig/deliver.js'
import { startFaultProxy, type FaultProxy } from '../rig/fault-proxy.js'
import { startMoto, type Moto } from '../rig/moto.js'
import { newBucket } from './bucket.js'

/** Who the program is to AWS, by the signatures of what it asks: the SDK's usual chain, from where teams keep their keys. */
let moto: Moto
let proxy: FaultProxy
let place: Place
let scratch: string
let bucket: string
const servers: Server[] = []

beforeAll(async () => {
  moto = await startMoto()
  proxy = await startFaultProxy(moto.endpoint)
  place = await Place.create(1)
  scratch = await scratchDirectory()
  bucket = (await newBucket(moto.endpoint)).place.bucket
  writeFileSync(
    join(scratch, 'credentials'),
    `[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = default-secret
[builds]\naws_access_key_id = AKIABUILDS\naws_secret_access_key = builds-secret\n`,
  )
  writeFileSync(
    join(scratch, 'config'),
    `[default]\nregion = eu-west-1\n[profile builds]\nregion = eu-central-1
[profile tool]\nregion = eu-west-1\ncredential_process = /bin/sh ${join(scratch, 'tool')}
[profile soon]\nregion = eu-west-1\ncredential_process = /bin/sh ${join(scratch, 'soon')}
[profile late]\nregion = eu-west-1\ncredential_process = /bin/sh ${join(scratch, 'late')}\n`,
  )
  writeFileSync(join(scratch, 'tool'), given('ASIATOOL', '2099-01-01T00:00:00Z'))
  writeFileSync(join(scratch, 'late'), given('ASIALATE', '2001-01-01T00:00:00Z'))
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
afterAll(async () => {
  await proxy.stop()
  await moto.stop()
})

/** A program that gives such credentials. */
const given = (AccessKeyId: string, Expiration: string) =>
  `echo '${JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey: 's', SessionToken: 't', Expiration })}'\n`

async function signers(
  env: Readonly<Record<string, string>>,
  s3: Readonly<Record<string, string>> = {},
): Promise<{ readonly signers: readonly string[]; readonly code: unknown; readonly output: string }> {
  const { endpoint } = proxy
  place.configure({ store: { s3: { bucket, prefix: 'apps', endpoint, forcePathStyle: true, ...s3 } } })
  const before = proxy.passed.length
  const files = {
    AWS_CONFIG_FILE: join(scratch, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(scratch, 'credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const { code, output } = await deliver(['--plain', 'releases'], {
    cwd: place.directory,
    env: { ...files, ...env },
  })
  const all = proxy.passed.slice(before).map(({ signer }) => signer.replace(/\/\d+\//, ' '))
  return { signers: [...new Set(all)], code, output }
}

test.each<[string, Record<string, string>, Record<string, string>, string]>([
  ['the default profile', {}, {}, 'AKIADEFAULT eu-west-1'],
  ['AWS_PROFILE, and its region', { AWS_PROFILE: 'builds' }, {}, 'AKIABUILDS eu-central-1'],
  ['the profile of the config', {}, { profile: 'builds' }, 'AKIABUILDS eu-central-1'],
  [
    'the profile of the config, before that of the environment; a region of the config before both',
    { AWS_PROFILE: 'default' },
    { profile: 'builds', region: 'eu-north-1' },
    'AKIABUILDS eu-north-1',
  ],
  ['a profile with a program', {}, { profile: 'tool' }, 'ASIATOOL eu-west-1'],
  [
    'variables of the environment',
    { AWS_ACCESS_KEY_ID: 'AKIAVARIABLE', AWS_SECRET_ACCESS_KEY: 'x', AWS_REGION: 'us-east-2' },
    {},
    'AKIAVARIABLE us-east-2',
  ],
])('%s', async (_, env, s3, expected) => {
  const { signers: found, code, output } = await signers(env, s3)
  expect(code, output).toBe(0)
  expect(found).toEqual([expected])
  expect(output).not.toMatch(/default-secret|builds-secret/)
})

test.each([
  [60 * 60, undefined],
  [2 * 60 * 60, 90 * 60_000],
])('URLs for %i s by credentials that expire in 90 minutes end early by %j', async (seconds, early) => {
  const now = Date.now()
  const soon = new Date(now + 90 * 60_000).toISOString()
  writeFileSync(join(scratch, 'soon'), given('ASIASOON', soon))
  const before = { ...process.env }
  Object.assign(process.env, { AWS_CONFIG_FILE: join(scratch, 'config') })
  try {
    const place = {
      kind: 's3' as const,
      bucket,
      prefix: 'apps',
      profile: 'soon',
      endpoint: moto.endpoint,
      forcePathStyle: true,
    }
    const { urls, endsEarly } = await presignReads(place, ['a/b'], seconds, systemClock)
    expect(urls).toEqual([['a/b', expect.stringMatching(/\/apps\/a\/b\?.*X-Amz-Expires=\d+/) as string]])
    expect(endsEarly).toBe(early === undefined ? undefined : new Date(soon).getTime())
  } finally {
    process.env = before
  }
})

test('the role of the instance that a build runs on', async () => {
  const role = {
    Code: 'Success',
    AccessKeyId: 'ASIAROLE',
    SecretAccessKey: 's',
    Token: 't',
    Expiration: '2099-01-01T00:00:00Z',
  }
  const server = createServer((request, answer) => {
    const { url = '', method } = request
    if (method === 'PUT') return answer.end('token')
    if (request.headers['x-aws-ec2-metadata-token'] !== 'token') answer.statusCode = 401
    answer.end(url.endsWith('/security-credentials/') ? 'ci' : JSON.stringify(role))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const nowhere = join(scratch, 'nothing')
  const { signers: found, output } = await signers({
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_CONFIG_FILE: nowhere,
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'false',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`,
  })
  expect(found, output).toEqual(['ASIAROLE eu-west-1'])
})

test.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
  ['a profile that is not there', {}, { profile: 'nobody' }, /no usable credentials of profile nobody/],
  ['a program whose credentials have expired', {}, { profile: 'late' }, /of profile late/],
])('%s: an error before anything is asked, with what to do', async (_, env, s3, message) => {
  const { signers: found, code, output } = await signers(env, { region: 'eu-west-1', ...s3 })
  expect(code, output).toBe(8)
  expect(found).toEqual([])
  expect(output).toMatch(message)
  expect(output).toMatch(/Log in \(aws sso login --profile/)
})
