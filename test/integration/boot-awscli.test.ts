import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { completed, startBootWorld, storeFaults, type BootWorld } from './boot-world.js'

/** A server with Debian's awscli, which takes the role of its instance by itself. To make one takes minutes. */
describe('with awscli', () => {
  let world: BootWorld
  let userData: string

  beforeAll(async () => {
    world = await startBootWorld({ awscli: true })
    userData = await world.userData()
  })
  afterAll(() => world.stop())
  beforeEach(() => {
    world.proxy.fault = undefined
    world.proxy.change = undefined
    world.proxy.asked.length = 0
    world.proxy.actions.length = 0
  })

  const archives = () => world.proxy.asked.filter((each) => /archive/.test(each))

  test.each(storeFaults)('nothing is started while %s, and the group is told', async (_, fault, change) => {
    world.proxy.fault = fault
    world.proxy.change = change
    const { code, stdout } = await world.boot(userData)
    expect(code, stdout).toBe(3)
    expect(world.proxy.asked.some((each) => each.includes(' aws-cli/'))).toBe(true)
    expect(await world.serves()).toBeUndefined()
    expect(await world.installed()).toBe('')
    expect((await world.web2.sshAsRoot('ls -A /var/tmp')).stdout).not.toContain('deliver-boot')
    expect(world.proxy.actions).toContain(completed('ABANDON'))
    expect(stdout).not.toMatch(/sec\/ret|to\/ken/)
  })

  test('a fresh server fetches with awscli, by the role of its instance, and serves the app', async () => {
    await world.forget()
    const { code, stdout } = await world.boot(userData)
    expect(code, stdout).toBe(0)
    expect(await world.serves()).toBe('v1')
    expect(archives().length).toBeGreaterThan(0)
    for (const each of archives()) expect(each).toMatch(/ AWS4-HMAC-SHA256 Credential=ASIAROLE\/.* aws-cli\//)
    expect(world.proxy.actions.at(-1)).toBe(completed('CONTINUE'))
    expect(await world.inspect({ current: 'v1' })).toEqual([])
  })

  test('without curl, too, where no group has to be told', async () => {
    await world.forget()
    await world.configure([world.web1], { boot: { retryFor: '1s' } })
    const script = await world.userData()
    await world.web2.sshAsRoot('mv /usr/bin/curl /usr/bin/curl.away')
    try {
      const { code, stdout } = await world.boot(script)
      expect(code, stdout).toBe(0)
      expect(await world.serves()).toBe('v1')
      expect(await world.inspect({ current: 'v1' })).toEqual([])
    } finally {
      await world.web2.sshAsRoot('mv /usr/bin/curl.away /usr/bin/curl')
    }
  })
})
