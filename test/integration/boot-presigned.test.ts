import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { answerWith, completed, startBootWorld, type BootWorld } from './boot-world.js'

/** A server that boots by signed URLs: no role, no credentials, and an end to what it may read. */
let world: BootWorld
let userData: string
const hours = 3600

beforeAll(async () => {
  world = await startBootWorld()
  userData = await world.userData('--presign', '12h')
})
afterAll(() => world.stop())
beforeEach(() => {
  world.proxy.fault = undefined
  world.proxy.ahead = 0
  world.proxy.asked.length = 0
  world.proxy.actions.length = 0
})

/** Neither signatures nor what they sign with. */
const secrets = /X-Amz-(Signature|Credential)|testing-secret|sec\/ret/

const update = async () => {
  const { code, stdout, stderr } = await world.web2.sshAsRoot('deliver-agent update')
  return { code, output: stdout + stderr }
}

test('one whose URLs have expired starts nothing, says why, and abandons its launch', async () => {
  world.proxy.ahead = 13 * hours
  const { code, stdout } = await world.boot(userData)
  expect(code, stdout).toBe(3)
  expect(stdout).toMatch(
    /current\.json: HTTP status 403: the signed URL has expired, .*Print the user data anew/,
  )
  expect(stdout).not.toMatch(secrets)
  expect(await world.serves()).toBeUndefined()
  expect(await world.installed()).toBe('')
  expect(world.proxy.actions.at(-1)).toBe(completed('ABANDON'))
})

test('a fresh one serves the app: everything it read was signed in the URL', async () => {
  await world.forget()
  const { code, stdout } = await world.boot(userData)
  expect(code, stdout).toBe(0)
  expect(await world.serves()).toBe('v1')
  expect(await world.inspect({ current: 'v1' })).toEqual([])
  expect(world.proxy.actions.at(-1)).toBe(completed('CONTINUE'))
  const read = world.proxy.asked.filter((each) => each.startsWith('/builds/'))
  expect(read.length).toBeGreaterThanOrEqual(4)
  for (const each of read) expect(each).toMatch(/^\S+[?&]X-Amz-Signature=\S+ {2}curl\//)
  expect(stdout).not.toMatch(secrets)
  // The program holds the URLs: they are for root alone.
  expect((await world.web2.sshAsRoot('stat -c %a-%U /usr/local/bin/deliver-agent')).stdout).toBe('700-root\n')
})

test('a running one keeps its release when the URLs have expired', async () => {
  world.proxy.ahead = 13 * hours
  const { code, output } = await update()
  expect(code, output).toBe(1)
  expect(output).toContain('the signed URL has expired')
  expect(output).toContain('the last good release of this server runs')
  expect(output).not.toMatch(secrets)
  expect(await world.serves()).toBe('v1')
})

test('one that was stopped starts its last good release when the URLs have expired, and its launch is completed', async () => {
  await world.web2.sshAsRoot('systemctl stop api')
  expect(await world.serves()).toBeUndefined()
  world.proxy.ahead = 13 * hours
  const { code, stdout } = await world.boot(userData)
  expect(code, stdout).toBe(1)
  expect(stdout).toContain('the last good release of this server runs')
  expect(await world.serves()).toBe('v1')
  expect(world.proxy.actions.at(-1)).toBe(completed('CONTINUE'))
  expect(await world.inspect({ current: 'v1' })).toEqual([])
})

test.each([
  ['403', 403, /archive\S*: HTTP status 403: the signed URL has expired, or/],
  ['404', 404, /archive\S*: HTTP status 404/],
])('a fresh one whose archive answers %s installs nothing', async (_, status, message) => {
  await world.forget()
  world.proxy.fault = answerWith(/archive/, status)
  const { code, stdout } = await world.boot(userData)
  expect(code, stdout).toBe(3)
  expect(stdout).toMatch(message)
  expect(await world.installed()).toBe('')
})

test('after the next deploy the old URLs lead to no half release, and user data that is printed anew to the new one', async () => {
  await world.forget()
  expect((await world.boot(userData)).code).toBe(0)
  await world.ship('v2')
  const old = await update()
  expect(old.code, old.output).toBe(1)
  expect(old.output).toContain('is not among the signed URLs')
  expect(await world.serves()).toBe('v1')
  const anew = await world.boot(await world.userData('--presign', '1h'))
  expect(anew.code, anew.stdout).toBe(0)
  expect(await world.serves()).toBe('v2')
  expect(await world.inspect({ current: 'v2' })).toEqual([])
})
