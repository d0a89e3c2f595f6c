import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { answerWith, completed, startBootWorld, storeFaults, type BootWorld } from './boot-world.js'
import { askedOfS3, readPolicy } from './rig/policy.js'

/** A fresh server with the role of its instance, and no awscli. */
let world: BootWorld
let userData: string

beforeAll(async () => {
  world = await startBootWorld()
  userData = await world.userData()
})
afterAll(() => world.stop())
/** Over all tests. */
const actions = new Set<string>()
afterEach(() => {
  for (const each of world.proxy.actions) actions.add(/^Action=(\w+)/.exec(each)?.[1] ?? each)
})
beforeEach(() => {
  world.proxy.fault = undefined
  world.proxy.change = undefined
  world.proxy.actions.length = 0
})

test.each(storeFaults)('nothing is started while %s, and the group is told', async (_, fault, change) => {
  world.proxy.fault = fault
  world.proxy.change = change
  const { code, stdout } = await world.boot(userData)
  expect(code, stdout).toBe(3)
  expect(await world.serves()).toBeUndefined()
  expect(await world.installed()).toBe('')
  expect(world.proxy.actions).toContain(completed('ABANDON'))
  expect(stdout).not.toContain('sec/ret')
})

test('a fresh server that runs its user data serves the app, and the group is told', async () => {
  await world.forget()
  const { code, stdout } = await world.boot(userData)
  expect(code, stdout).toBe(0)
  expect(await world.serves()).toBe('v1')
  expect(world.proxy.actions.at(-1)).toBe(completed('CONTINUE'))
  expect(
    world.proxy.asked.some((each) => /archive\S* AWS4-HMAC-SHA256 Credential=ASIAROLE\//.test(each)),
  ).toBe(true)
  const { web2 } = world
  expect(
    (await web2.sshAsRoot('stat -c %U /srv/api/releases/v1 /srv/api/.deliver /srv/api/shared/log')).stdout,
  ).toBe('deploy\ndeploy\ndeploy\n')
  expect(await world.inspect({ current: 'v1' })).toEqual([])
  expect(`${stdout}${(await web2.sshAsRoot('cat /srv/api/.deliver/generation')).stdout}`).not.toMatch(
    /sec\/ret|to\/ken/,
  )
})

test('a running server stays on its release while the store is away', async () => {
  world.proxy.fault = answerWith(/./, 503)
  const { code } = await world.web2.sshAsRoot('deliver-agent update')
  expect(code).toBe(1)
  expect(await world.serves()).toBe('v1')
})

test('a deploy by ssh works on the server that booted, and an update of it afterwards changes nothing', async () => {
  await world.configure([world.web1, world.web2])
  await world.ship('v2')
  expect(await world.serves()).toBe('v2')
  expect(await world.inspect({ current: 'v2' })).toEqual([])
  const { code, stdout } = await world.web2.sshAsRoot('deliver-agent update')
  expect(code, stdout).toBe(0)
  expect(stdout).toContain('v2 runs already')
})

test('cloud-init gets the same program', async () => {
  const content = /content: (\S+)/.exec(await world.userData('--format', 'cloud-init'))?.[1] ?? ''
  await writeFile(world.web2.path('/root/packed'), content)
  const unpacked = await world.web2.sshAsRoot(
    'base64 -d </root/packed | gzip -dc | cmp - /usr/local/bin/deliver-agent',
  )
  expect(unpacked.stdout + unpacked.stderr).toBe('')
  expect(unpacked.code).toBe(0)
})

test('all that servers asked for is in the policy that deliver iam prints for them', async () => {
  const policy = readPolicy(await world.run('iam', '--policy', 'instance'))
  const paths = world.proxy.asked
    .filter((each) => / (curl|aws-cli)\//.test(each))
    .map((each) => each.split(' ')[0] ?? '')
  const reads = paths
    .filter((path) => path !== '/')
    .map((url) => askedOfS3({ method: 'GET', url, signer: '' }))
  expect(reads.length).toBeGreaterThan(10)
  expect(reads.filter((each) => !policy.allows(each))).toEqual([])
  expect(actions.size).toBeGreaterThan(0)
  for (const action of actions)
    expect(
      policy.allows({
        action: `autoscaling:${action}`,
        resource:
          'arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:some-id:autoScalingGroupName/api prod',
      }),
      action,
    ).toBe(true)
})
