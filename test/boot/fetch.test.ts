import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { BootSource } from '../../src/boot/script.js'
import { onShells, type BootPlace } from './place.js'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** The metadata service of an instance: version 2 only. */
async function metadata(told: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, answer) => {
    if (request.method === 'PUT') return answer.end('the-token')
    const found = told[(request.url ?? '').replace('/latest/meta-data/', '')]
    const known = request.headers['x-aws-ec2-metadata-token'] === 'the-token'
    answer.statusCode = known ? (found === undefined ? 404 : 200) : 401
    answer.end(found)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

/** Auto Scaling, which writes down who signed what. */
async function scaling(told: string[]): Promise<string> {
  const server = createServer((request, answer) => {
    request.on('data', (body: Buffer) =>
      told.push(`${request.headers.authorization ?? ''} ${body.toString()}`),
    )
    request.on('end', () => answer.end())
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

async function fromRole(place: BootPlace, region?: string): Promise<BootSource> {
  const { source } = await place.script()
  const base = source.kind === 'url' ? source.base : ''
  return { kind: 'role', bucket: 'builds', prefix: '', base, ...(region === undefined ? {} : { region }) }
}

/** An awscli that does this. */
function aws(place: BootPlace, lines: string): string {
  const bin = join(place.directory, 'cli')
  mkdirSync(bin)
  writeFileSync(join(bin, 'aws'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return bin
}

const role = { AccessKeyId: 'ASIA1', SecretAccessKey: 'very/secret+', Token: 'to/ken==' }
const instance = {
  'placement/region': 'eu-west-1',
  'instance-id': 'i-1',
  'iam/security-credentials/': 'servers',
  'iam/security-credentials/servers': JSON.stringify(role),
}
const away = 'exit 1'

onShells(['dash'], (make) => {
  const withRole = async (place: BootPlace, told: Readonly<Record<string, string>>, cli = away) => {
    return place.run('boot', {
      script: { source: await fromRole(place) },
      env: {
        AWS_EC2_METADATA_DISABLED: 'false',
        AWS_EC2_METADATA_SERVICE_ENDPOINT: await metadata(told),
      },
      programs: aws(place, cli),
    })
  }

  it('takes the credentials of the role, and tells them to nobody', async () => {
    const place = make()
    await place.point('v1')
    const { code, output } = await withRole(place, instance)
    expect([code, place.current], output).toEqual([0, 'v1'])
    expect(output).not.toMatch(/secret|to\/ken/)
    expect(place.signed.every((each) => /Credential=ASIA1\/\d{8}\/eu-west-1\/s3\//.test(each))).toBe(true)
    expect(place.signed.length).toBeGreaterThan(3)
  })

  it.each([
    ['no role', { ...instance, 'iam/security-credentials/': '' }, 'this instance has no role'],
    [
      'a role without credentials',
      { ...instance, 'iam/security-credentials/servers': '{"Code":"Failed"}' },
      'not readable',
    ],
    ['no metadata at all', {}, 'the metadata service tells no region'],
  ])('says so when there is %s', async (_, told, message) => {
    const place = make()
    await place.point('v1')
    const { code, output } = await withRole(place, told)
    expect([code, place.releases], output).toEqual([3, []])
    expect(output).toContain(message)
  })

  it('uses awscli where there is one', async () => {
    const place = make()
    await place.point('v1')
    const { source } = await place.script()
    const base = source.kind === 'url' ? source.base : ''
    const cli = `while [ $# -gt 2 ]; do shift; done
      exec curl -fsS -o "$2" "${base}\${1#s3://builds/}"`
    const { code, output } = await withRole(place, {}, cli)
    expect([code, place.current], output).toEqual([0, 'v1'])
    expect(place.signed).toEqual([])
  })

  it('believes awscli no more than anybody: what came is measured', async () => {
    const place = make()
    await place.point('v1')
    const { code, output } = await withRole(place, {}, 'while [ $# -gt 1 ]; do shift; done; echo half >"$1"')
    expect([code, place.releases], output).toEqual([3, []])
  })

  it('takes credentials of the environment, as on a server outside of AWS', async () => {
    const place = make()
    await place.point('v1')
    const { code, output } = await place.run('boot', {
      script: { source: await fromRole(place, 'eu-west-1') },
      env: { AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 'secret' },
      programs: aws(place, away),
    })
    expect([code, place.current], output).toEqual([0, 'v1'])
    expect(place.signed[0]).toContain('Credential=AKIA1/')
  })

  it('reads by signed URLs, until the pointer moves', async () => {
    const place = make()
    await place.point('v1')
    const { source } = await place.script()
    const base = source.kind === 'url' ? source.base : ''
    const { agent, listing, archive } = await place.pointer()
    const keys = ['api/production/current.json', agent?.key ?? '', listing?.key ?? '', archive.key]
    const urls = keys.map((key) => [key, `${base}${key}?X-Amz-Signature=s3cret`] as const)
    const script = { source: { kind: 'presigned', place: 's3://builds/', urls } as const }
    const first = await place.run('boot', { script })
    expect([first.code, place.current], first.output).toEqual([0, 'v1'])
    expect(first.output).not.toContain('s3cret')
    await place.point('v2')
    const second = await place.run('update', { script })
    expect([second.code, place.current], second.output).toEqual([1, 'v1'])
    expect(second.output).toContain('Print the user data anew')
  })

  it.each([
    ['v1', {}, 0, 'CONTINUE'],
    ['v1', { broken: '' }, 3, 'ABANDON'],
  ])(
    'tells the group, in the region of the instance, how %s with %j went',
    async (release, tree, code, result) => {
      const place = make()
      await place.point(release, { tree })
      const told: string[] = []
      const ran = await place.run('boot', {
        script: {
          source: await fromRole(place, 'us-east-1'),
          hook: { name: 'on boot', group: 'a&b=c' },
        },
        env: {
          AWS_EC2_METADATA_DISABLED: 'false',
          AWS_EC2_METADATA_SERVICE_ENDPOINT: await metadata(instance),
          AWS_ENDPOINT_URL_AUTO_SCALING: await scaling(told),
        },
        programs: aws(place, away),
      })
      expect(ran.code, ran.output).toBe(code)
      expect(told.at(-1)).toMatch(/Credential=ASIA1\/\d{8}\/eu-west-1\/autoscaling\//)
      expect(new URLSearchParams(told.at(-1)?.split(' ').at(-1))).toEqual(
        new URLSearchParams({
          Action: 'CompleteLifecycleAction',
          Version: '2011-01-01',
          AutoScalingGroupName: 'a&b=c',
          LifecycleHookName: 'on boot',
          InstanceId: 'i-1',
          LifecycleActionResult: result,
        }),
      )
      expect(place.signed[0]).toContain('/us-east-1/s3/')
    },
  )

  it('tells the group that it is still at work while it tries again', async () => {
    const place = make()
    await place.point('v1')
    let failures = 2
    place.fault = (key, _body, answer) => {
      if (!key.endsWith('current.json') || failures-- <= 0) return undefined
      answer.writeHead(503).end()
      return true
    }
    const told: string[] = []
    const { code, output } = await place.run('boot', {
      script: {
        source: await fromRole(place, 'eu-west-1'),
        hook: { name: 'boot', group: 'api' },
        retryFor: 300_000,
      },
      env: {
        AWS_EC2_METADATA_DISABLED: 'false',
        AWS_EC2_METADATA_SERVICE_ENDPOINT: await metadata(instance),
        AWS_ENDPOINT_URL_AUTO_SCALING: await scaling(told),
      },
      programs: aws(place, away),
    })
    expect([code, place.current], output).toEqual([0, 'v1'])
    const actions = told.map((each) => new URLSearchParams(each.split(' ').at(-1)).get('Action'))
    expect(actions).toEqual([
      'RecordLifecycleActionHeartbeat',
      'RecordLifecycleActionHeartbeat',
      'CompleteLifecycleAction',
    ])
  })
})
