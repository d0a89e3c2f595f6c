import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KnownHostsFiles } from '../../../src/adapters/ssh/known-hosts-files.js'
import { needsOpenSsh } from '../../../src/adapters/ssh/needs-openssh.js'
import { openSshOnly } from '../../../src/adapters/ssh/openssh-only.js'
import { surroundings } from '../../../src/adapters/ssh/surroundings.js'
import type { SshConfig } from '../../../src/config/types.js'
import { DeliverError } from '../../../src/errors.js'
import { makePlace } from './place.js'
import type { Place } from './place.js'
import { makeKeys } from './server.js'
import { anyCharacter } from '../../fixtures/any-character.js'

const keys = makeKeys()
let place: Place
beforeEach(async () => {
  place = await makePlace(keys)
})
afterEach(() => place.remove())

async function reason(
  config: string,
  {
    port = 22,
    ssh = {},
    env = {},
  }: { port?: number; ssh?: Partial<SshConfig>; env?: NodeJS.ProcessEnv } = {},
): Promise<string | undefined> {
  const file = join(place.home, '.ssh', 'config')
  await writeFile(file, config)
  const around = surroundings({ ssh: { ...place.ssh(), ...ssh }, env, home: place.home })
  const found = await needsOpenSsh({ label: 'web1', address: 'web1', port }, around, new KnownHostsFiles())
  return found?.replaceAll(place.home, '~')
}

describe('needsOpenSsh', () => {
  test.each([
    '',
    'User a\nPort 7\nHostName 10.0.0.1\nIdentityFile ~/.ssh/id_ed25519\nProxyJump none\nForwardAgent yes',
    'Host other\n ProxyCommand nc %h %p',
    'ProxyCommand none',
    'AddressFamily any\nKnownHostsCommand none\nRevokedHostKeys none\nCanonicalizeHostname no',
    'Host web1\n ProxyJump bastion\nHost bastion\n User b',
  ])('the library will do: %j', async (config) => {
    expect(await reason(config)).toBeUndefined()
  })

  test.each([
    ['ProxyCommand nc %h %p', '~/.ssh/config:1: proxycommand'],
    ...openSshOnly.map((keyword) => [`Host web1\n${keyword} something`, `~/.ssh/config:2: ${keyword}`]),
    ['Match exec "true"\n Port 7', '~/.ssh/config:1: Match exec true'],
    ['Host web1\n ProxyJump a,b\nHost b\n BindAddress 10.0.0.9', '~/.ssh/config:4: bindaddress'],
    ['Host web1\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n Ciphers x', '~/.ssh/config:6: ciphers'],
    ['IdentityFile ~/%C', '~/.ssh/config:1: %C in "~/%C" has no value'],
  ])('%j: %s', async (config, expected) => {
    expect(await reason(config)).toBe(expected)
  })

  test('bastions that jump through each other are looked at once each', async () => {
    const hops = Array.from({ length: 30 }, (_, index) => `hop${index}`).join(',')
    expect(await reason(`ProxyJump ${hops}`)).toBeUndefined()
    expect(await reason(`Host hop29\n MACs x\nHost *\n ProxyJump ${hops}`)).toBe('~/.ssh/config:2: macs')
  })

  test('a certificate beside its key, and a FIDO key, wherever the key is named', async () => {
    await mkdir(join(place.home, 'k'))
    await writeFile(join(place.home, 'k/id-cert.pub'), '')
    await writeFile(join(place.home, 'k/sk.pub'), 'sk-ssh-ed25519@openssh.com AAAA\n')
    const certificate = '~/k/id-cert.pub: a certificate to log in with'
    expect(await reason('IdentityFile ~/k/id')).toBe(certificate)
    expect(await reason('', { ssh: { identityFile: [join(place.home, 'k/id')] } })).toBe(certificate)
    expect(await reason('IdentityFile ~/k/sk')).toBe('~/k/sk: a key of a FIDO token')
  })

  test('an authority counts when no key of the host itself is known', async () => {
    const key = `ssh-ed25519 ${keys.public.split(' ')[1]}`
    const known = (...lines: readonly string[]) => writeFile(place.knownHosts, `${lines.join('\n')}\n`)
    await known(`@cert-authority web* ${key}`)
    expect(await reason('')).toBe('~/.ssh/known_hosts:1: @cert-authority')
    // As ssh does: a host on another port is also looked up without it.
    expect(await reason('', { port: 2222 })).toBe('~/.ssh/known_hosts:1: @cert-authority')
    await known(`@cert-authority web* ${key}`, `web1 ${key}`)
    expect(await reason('')).toBeUndefined()
    await known(`@cert-authority other ${key}`, `@revoked web1 ${key}`)
    expect(await reason('')).toBeUndefined()
  })

  test('whatever the config, it answers, or names what is wrong', async () => {
    const keyword = fc.constantFrom(
      'Host',
      'Match',
      'HostName',
      'IdentityFile',
      'Port',
      'ProxyJump',
      'ProxyCommand',
      'UserKnownHostsFile',
      'HostKeyAlias',
      'IdentityAgent',
    )
    const word = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 12 }),
      fc.constantFrom('web1', '*', '%h', '%d/x', '${HOME}', 'none', 'a,b'),
    )
    const line = fc.tuple(keyword, word).map((parts) => parts.join(' '))
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
        try {
          const found = await reason(lines.join('\n'))
          expect(['string', 'undefined']).toContain(typeof found)
        } catch (error) {
          expect(error).toBeInstanceOf(DeliverError)
        }
      }),
      { numRuns: 50 },
    )
  })
})
