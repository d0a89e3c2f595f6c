import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SshConfig } from '../../../src/config/types.js'
import { DeliverError } from '../../../src/errors.js'
import { makeKeyFiles } from '../rig/sshd.js'
import type { KeyFiles, Sshd } from '../rig/sshd.js'
import { hostOf, lineFor, Place } from './place.js'

const execute = promisify(execFile)
let place: Place
let bastion: Sshd
let web: Sshd
let other: KeyFiles

beforeAll(async () => {
  place = await Place.make()
  bastion = await place.server(21)
  web = await place.server(22)
  other = await makeKeyFiles(join(place.home, 'other'))
})

afterAll(() => place?.remove())

async function outcome(server: Sshd, ssh: Partial<SshConfig> = {}): Promise<string> {
  const transport = place.transport({ retries: 2, ...ssh })
  try {
    const session = await transport.connect(hostOf(server))
    const ended = await session.exec('exit 3', { timeout: 10_000 })
    await session.close()
    return ended.kind === 'exit' && ended.code === 3 ? 'connected' : ended.kind
  } catch (error) {
    if (error instanceof DeliverError) return error.message
    throw error
  } finally {
    await transport.close()
  }
}

const known = (...lines: readonly string[]) => writeFile(place.knownHosts, lines.join(''))

describe('a real sshd', () => {
  test('with a listed key is trusted, also by a hashed name', async () => {
    await known(lineFor(web))
    expect(await outcome(web)).toBe('connected')
    await execute('ssh-keygen', ['-H', '-f', place.knownHosts])
    expect(await readFile(place.knownHosts, 'utf8')).toMatch(/^\|1\|/)
    expect(await outcome(web)).toBe('connected')
  })

  test('with an unknown key is refused under strict', async () => {
    await known(lineFor(bastion))
    expect(await outcome(web)).toContain('key is unknown: ssh-ed25519 SHA256:')
  })

  test('with an unknown key is stored under accept-new, as ssh-keygen finds it', async () => {
    await known('')
    expect(await outcome(web, { hostKeys: 'accept-new' })).toBe('connected')
    const { stdout } = await execute('ssh-keygen', [
      '-F',
      `[${web.options.address}]:${web.options.port}`,
      '-f',
      place.knownHosts,
    ])
    expect(stdout).toContain(web.options.hostKeys[0]?.public.split(' ')[1])
    expect(await outcome(web, { hostKeys: 'strict' })).toBe('connected')
  })

  test('with an unknown key that can not be stored is refused', async () => {
    for (const file of ['/dev/null', place.home, '/proc/version']) {
      expect(await outcome(web, { hostKeys: 'accept-new', knownHosts: [file] })).toMatch(
        /can't be (stored|read)/,
      )
    }
  })

  test.each(['strict', 'accept-new'] as const)('with a changed key is refused under %s', async (hostKeys) => {
    await known(lineFor(web, other))
    expect(await outcome(web, { hostKeys })).toContain('CHANGED')
    expect(await readFile(place.knownHosts, 'utf8')).toBe(lineFor(web, other))
  })

  test('with a revoked key is refused', async () => {
    await known(lineFor(web), `@revoked ${lineFor(web).replace(/^\S+/, '*')}`)
    for (const hostKeys of ['strict', 'accept-new'] as const)
      expect(await outcome(web, { hostKeys })).toContain('is revoked')
  })

  test('behind a bastion with a wrong key is refused before any login', async () => {
    await writeFile(
      join(place.home, '.ssh', 'config'),
      `Host ${web.options.address}\n ProxyJump root@${bastion.options.address}:${bastion.options.port}\n`,
    )
    await known(lineFor(bastion), lineFor(web))
    expect(await outcome(web)).toBe('connected')
    await known(lineFor(bastion), lineFor(web, other))
    expect(await outcome(web)).toContain('CHANGED')
    await known(lineFor(bastion, other), lineFor(web))
    expect(await outcome(web)).toMatch(/through bastion 127\.0\.0\.21 .*CHANGED/)
    await writeFile(join(place.home, '.ssh', 'config'), '')
  })

  test('of several keys shows the known one', async () => {
    const keys = await Promise.all(
      (['ed25519', 'rsa', 'ecdsa'] as const).map((type) =>
        makeKeyFiles(join(place.home, `k-${type}`), { type }),
      ),
    )
    const many = await place.server(23, {}, keys)
    for (const key of keys) {
      await known(lineFor(many, key))
      expect(await outcome(many)).toBe('connected')
    }
  })
})
